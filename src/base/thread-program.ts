import type { ThreadProgram } from './run-in-thread.ts';

/** Put in by the bundler: a built program is one file. */
declare const LIFEBOAT_THREAD: string | undefined;

/**
 * What the threads of this program run: built in, else, from its sources, the file beside the program's own.
 *
 * Built in, it is of the same release as the rest of a running agent also after an upgrade replaced the file that it was
 * started from.
 */
export function threadProgram(programUrl: string): ThreadProgram {
  if (typeof LIFEBOAT_THREAD === 'string') return { code: LIFEBOAT_THREAD };
  return { code: new URL('./thread.ts', programUrl) };
}
