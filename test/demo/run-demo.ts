import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Guard } from './guard.ts';
import { leaveRunning } from './keep.ts';
import { Narrator } from './narrator.ts';
import type { DemoOptions } from './options.ts';
import { tellStory } from './story.ts';

const EXIT_STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const LONGEST_MS = 180_000;
/** A Ctrl-C ends our commands too, and may be seen by them first. */
const SIGNAL_MAY_FOLLOW_MS = 500;

type Outcome =
  | { readonly is: 'told' }
  | { readonly is: 'failed'; readonly error: unknown }
  | { readonly is: 'interrupted'; readonly signal: keyof typeof EXIT_STATUS };

/**
 * Runs the demo in an empty directory. Nothing stays that was not asked for: a guard process sees to it, also when
 * this one is killed. After a failure the directory stays, for its logs.
 *
 * @returns The exit status: 0 only when everything was verified.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const narrator = new Narrator();
  const interrupted = firstSignal();
  const guard = await Guard.start(options);
  const outcome = await Promise.race([story(options, narrator), interrupted, timeLimit()]);
  if (outcome.is === 'told') {
    await guard.finish(options.keep ? 'let-go' : 'remove');
    return 0;
  }
  if (outcome.is === 'interrupted') {
    narrator.failure(`${outcome.signal}: everything is ended and removed`);
    narrator.hush();
    await guard.finish('remove');
    return EXIT_STATUS[outcome.signal];
  }
  narrator.failure(`The demo failed: ${messageOf(outcome.error)}`);
  narrator.plain(['Its processes are ended. What they said:', ...logFiles(options.directory)].join('\n  '));
  narrator.hush();
  await guard.finish('end');
  return 1;
}

async function story({ directory, keep }: DemoOptions, narrator: Narrator): Promise<Outcome> {
  const startedAt = Date.now();
  try {
    const lab = await tellStory(directory, narrator);
    narrator.success(`Everything was verified. It took ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
    if (keep) await leaveRunning(directory, lab, narrator);
    return { is: 'told' };
  } catch (error) {
    await sleep(SIGNAL_MAY_FOLLOW_MS);
    return { is: 'failed', error };
  }
}

/** Ctrl-C reaches a process group several times, through npm and tsx: the first is enough. */
async function firstSignal(): Promise<Outcome> {
  const signals = Object.keys(EXIT_STATUS) as (keyof typeof EXIT_STATUS)[];
  return await new Promise((resolve) => {
    for (const signal of signals) {
      process.on(signal, () => {
        resolve({ is: 'interrupted', signal });
      });
    }
  });
}

async function timeLimit(): Promise<Outcome> {
  await sleep(LONGEST_MS, undefined, { ref: false });
  return { is: 'failed', error: new Error(`it did not end within ${LONGEST_MS / 1000} s`) };
}

function logFiles(directory: string): string[] {
  return ['h1', 'h2', 'h3'].flatMap((host) => [
    join(directory, host, 'agent.log'),
    join(directory, host, 'state', 'etcd.log'),
  ]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
