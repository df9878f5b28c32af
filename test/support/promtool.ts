import { execa } from 'execa';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Prometheus' own checker; Debian's package `prometheus` has it. Whoever needs it skips without it. */
export const HAS_PROMTOOL = (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
  try {
    accessSync(join(directory, 'promtool'), constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

export interface PromtoolResult {
  readonly exitCode: number;
  readonly output: string;
}

export async function promtool(args: readonly string[], input = ''): Promise<PromtoolResult> {
  const { all, exitCode } = await execa('promtool', args, { reject: false, all: true, input });
  return { exitCode: exitCode ?? -1, output: all };
}
