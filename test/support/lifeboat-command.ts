import { execa } from 'execa';
import type { Readable } from 'node:stream';
import { LIFEBOAT } from './lab-cluster.ts';

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

/** Runs `lifeboat` as a process of its own, without a terminal. An exit status is a result. */
export function lifeboat(args: readonly string[], env: Record<string, string> = {}): LifeboatProcess {
  return execa(process.execPath, [LIFEBOAT, ...args], {
    reject: false,
    stdin: 'ignore',
    env,
  });
}
