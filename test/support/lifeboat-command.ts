import { execa } from 'execa';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const ROOT = join(import.meta.dirname, '..', '..');

export interface LifeboatResult {
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `lifeboat` process: awaited, it is its result. */
export interface LifeboatProcess extends PromiseLike<LifeboatResult> {
  readonly stdout: Readable;
  readonly stderr: Readable;
  kill(signal: NodeJS.Signals): boolean;
}

/** The arguments of `node` that run the command line from its sources. */
export const LIFEBOAT_ARGUMENTS: readonly string[] = [
  '--import',
  join(import.meta.dirname, 'from-source.mjs'),
  join(ROOT, 'src', 'main.ts'),
];

/** Runs `lifeboat` as a process of its own, without a terminal. An exit status is a result. */
export function lifeboat(args: readonly string[], env: Record<string, string> = {}): LifeboatProcess {
  return execa(process.execPath, [...LIFEBOAT_ARGUMENTS, ...args], {
    reject: false,
    cwd: ROOT,
    stdin: 'ignore',
    env,
  });
}
