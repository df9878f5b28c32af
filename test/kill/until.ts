import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again and again. Throws with the last failure of the look when that is in vain. */
export async function until(what: string, look: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  let cause: unknown;
  while (performance.now() < deadline) {
    try {
      if (await look()) return;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await sleep(50);
  }
  throw new Error(`not within ${withinMs / 1000} s: ${what}`, { cause });
}
