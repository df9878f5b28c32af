import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Absolute, exists, empty. All that the demo writes is below it. */
  readonly directory: string;
  /** Whether the directory itself goes too when the demo cleans up. */
  readonly ownsDirectory: boolean;
  /** Whether agents and members stay when all went well. */
  readonly keep: boolean;
}

export const USAGE = `npm run demo [-- [--keep] [--dir DIR]]

Three etcd members and three agents on loopback lose quorum and are restored.

  --keep     leave the restored cluster running, and say how to play with it
  --dir DIR  work there (absent or empty; removed at the end) instead of in a temporary directory
`;

/** What the kernel takes as the path of a Unix socket. */
const LONGEST_SOCKET_PATH = 107;

/**
 * Reads the command line and makes the directory.
 *
 * @returns `undefined` when help was asked for.
 * @throws {Error} for an unknown option, and for a directory that cannot be used.
 */
export function readOptions(args: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: { keep: { type: 'boolean' }, dir: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) return undefined;
  const place =
    values.dir === undefined
      ? { directory: mkdtempSync(join(tmpdir(), 'lifeboat-demo-')), ownsDirectory: true }
      : useDirectory(resolve(values.dir));
  const directory = realpathSync(place.directory);
  if (join(directory, 'h1', 'control.sock').length > LONGEST_SOCKET_PATH)
    throw new Error(`${directory} is too long a path for Unix sockets below it: choose another with --dir`);
  return { ...place, directory, keep: values.keep ?? false };
}

function useDirectory(directory: string): { directory: string; ownsDirectory: boolean } {
  const ownsDirectory = !existsSync(directory);
  mkdirSync(directory, { recursive: true });
  if (readdirSync(directory).length > 0)
    throw new Error(`${directory} is not empty: the demo removes its directory at the end`);
  return { directory, ownsDirectory };
}
