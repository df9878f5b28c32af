import { execa } from 'execa';

/**
 * When the source was made, in seconds since the epoch: SOURCE_DATE_EPOCH, else the date of the commit.
 *
 * @throws when it is neither said nor a git checkout: the packages would differ from run to run.
 */
export async function sourceDateSeconds(root: string): Promise<number> {
  const said = process.env['SOURCE_DATE_EPOCH'];
  const text = said ?? (await execa('git', ['log', '-1', '--format=%ct'], { cwd: root })).stdout;
  if (!/^\d+$/.test(text)) throw new Error(`the date of the source is not a number of seconds: ${text}`);
  return Number(text);
}
