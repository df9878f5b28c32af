import type { Clock } from '../base/clock.ts';

interface Memory<T> {
  readonly clock: Clock;
  /** For how long an answer is good, in milliseconds. */
  readonly goodForMs: (answer: T) => number;
}

/**
 * `ask`, but with the last answer while that is good, and with the one under way for everybody who comes meanwhile: however
 * often somebody looks, the work is done so often and never twice at once. What `ask` throws is not remembered.
 */
export function remembered<T>(ask: () => Promise<T>, { clock, goodForMs }: Memory<T>): () => Promise<T> {
  let known: { readonly answer: T; readonly untilMs: number; readonly sinceMs: number } | undefined;
  let asking: Promise<T> | undefined;
  const askNow = async (): Promise<T> => {
    try {
      const answer = await ask();
      const sinceMs = clock.now();
      known = { answer, sinceMs, untilMs: sinceMs + goodForMs(answer) };
      return answer;
    } finally {
      asking = undefined;
    }
  };
  return async () => {
    const nowMs = clock.now();
    // A clock that was set back must not make an answer good for ever.
    if (known !== undefined && nowMs < known.untilMs && nowMs >= known.sinceMs) return known.answer;
    asking ??= askNow();
    return await asking;
  };
}
