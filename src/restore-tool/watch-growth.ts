import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';

interface Watch {
  /** Trees that may not be there yet. */
  readonly paths: readonly string[];
  readonly quietLimitMs: number;
  readonly clock: Clock;
}

const LOOK_EACH_MS = 1000;

/**
 * Looks at files until `stop`, and says `stalled` when nothing below `paths` changed for the limit. Time is counted in
 * looks, so a suspended machine or a stepped clock does not end a restore that goes on.
 */
export async function watchGrowth(watch: Watch, stop: AbortSignal): Promise<'stopped' | 'stalled'> {
  const pauseMs = Math.max(1, Math.min(LOOK_EACH_MS, watch.quietLimitMs / 4));
  let last = await appearance(watch.paths);
  let quietMs = 0;
  while (quietMs < watch.quietLimitMs) {
    try {
      await watch.clock.sleep(pauseMs, stop);
    } catch (error) {
      if (stop.aborted) return 'stopped';
      throw error;
    }
    const now = await appearance(watch.paths);
    quietMs = now === last ? quietMs + pauseMs : 0;
    last = now;
  }
  return 'stalled';
}

/** Names, sizes and times of all files below: equal exactly when nothing was written. */
async function appearance(paths: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const path of paths) {
    for (const name of await namesBelow(path)) {
      const line = await ignoringAbsence(async () => {
        const { size, blocks, mtimeMs } = await lstat(join(path, name));
        return `${name} ${size} ${blocks} ${mtimeMs}`;
      });
      if (line !== undefined) lines.push(line);
    }
  }
  return lines.sort().join('\n');
}

async function namesBelow(path: string): Promise<string[]> {
  return (await ignoringAbsence(() => readdir(path, { recursive: true }))) ?? [];
}

/** What is renamed or removed between two looks is simply not there. */
async function ignoringAbsence<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
