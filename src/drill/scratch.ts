import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { requireFreeSpace } from '../base/free-space.ts';
import { namesIn } from '../base/names-in.ts';
import { endProcesses } from '../supervisor/end-processes.ts';

/** What a crash may leave here is large: all of it is swept by the next start. */
const SCRATCH = 'drill';

/** The directory below which every drill of an agent happens: on the file system of the snapshots, never on etcd's. */
export function scratchRoot(snapshotDirectory: string): string {
  return join(snapshotDirectory, SCRATCH);
}

/** A directory of its own for one drill, removed with its scope. */
export interface Scratch extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes one with a fresh name, which nothing in it shares with any other drill.
 *
 * @throws {AgentError} `DRILL_UNAVAILABLE` where there is less room than `neededBytes`.
 */
export async function openScratch(root: string, neededBytes: number): Promise<Scratch> {
  try {
    await requireFreeSpace(root, neededBytes);
  } catch (error) {
    const { code, message } = asAgentError(error);
    if (code !== 'NO_SPACE') throw error;
    throw new AgentError('DRILL_UNAVAILABLE', message, { cause: error });
  }
  const path = join(root, randomBytes(8).toString('hex'));
  await mkdir(path, { recursive: true, mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Ends what drills of an earlier agent left running, and removes what they left on disk.
 *
 * @returns The directories that went.
 */
export async function sweepScratch(root: string, clock: Clock, signal: AbortSignal): Promise<string[]> {
  // The command lines of etcd and of the restore tool name a directory that nobody else has.
  await endProcesses((words) => words.some((word) => word.startsWith(`--data-dir=${root}/`)), clock, signal);
  const swept = (await namesIn(root)).map((name) => join(root, name));
  await rm(root, { recursive: true, force: true });
  return swept;
}
