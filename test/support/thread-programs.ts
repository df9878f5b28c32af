import { join } from 'node:path';
import { bundleThread } from '../../packaging/bundle-agent.ts';
import type { ThreadProgram } from '../../src/base/run-in-thread.ts';
import { openProver } from '../../src/snapshot/prover.ts';

/** A program of TypeScript for threads. Slow to start: tsx compiles it in each of them. */
export function threadFromSource(file: URL): ThreadProgram {
  return { code: file, execArgv: ['--import', join(import.meta.dirname, 'from-source.mjs')] };
}

/** What the packages have built in. */
export const bundledThread: ThreadProgram = {
  code: (await bundleThread(join(import.meta.dirname, '..', '..'))).text,
  execArgv: [],
};

export const testProver = openProver(bundledThread);
