import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 50;
const LONGEST_MS = 60_000;

/** Asks again until there is an answer. `what` is what is waited for, in words for the failure. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited for ${LONGEST_MS / 1000} s in vain: ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}
