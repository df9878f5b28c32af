import { setTimeout as timeout } from 'node:timers/promises';

/** Time as the agent sees it. Tests hand in their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await timeout(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // The caller's own reason says more than node's bare AbortError.
      signal?.throwIfAborted();
      throw error;
    }
  },
};
