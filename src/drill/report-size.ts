import { stat } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { OnBytes } from '../base/hash-file.ts';

const LOOK_EACH_MS = 500;

/** Tells how large a file is while `work` makes it. */
export async function reportingSize<T>(
  path: string,
  { clock, onBytes }: { readonly clock: Clock; readonly onBytes: OnBytes },
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const watching = watch(path, clock, onBytes, done.signal);
  try {
    return await work();
  } finally {
    done.abort();
    await watching;
  }
}

async function watch(path: string, clock: Clock, onBytes: OnBytes, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    const sizeBytes = await sizeOf(path);
    if (sizeBytes !== undefined) onBytes(sizeBytes);
    await clock.sleep(LOOK_EACH_MS, done).catch(() => undefined);
  }
}

/** Whatever hinders a look hinders the work too, and is told there. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return undefined;
  }
}
