import type { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';

interface TimeLimit {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The abort reason once the time is over. */
  readonly late: () => AgentError;
}

/**
 * Runs `work` with a signal that is aborted by `signal` or after `timeoutMs`. It waits for `work` itself to end. By hand
 * and not by `AbortSignal.any`, which on Node 20 keeps something for each call as long as the long-lived signal lives.
 */
export async function withTimeLimit<T>(
  limit: TimeLimit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = new AbortController();
  const forward = (): void => {
    controller.abort(limit.signal.reason);
  };
  if (limit.signal.aborted) forward();
  limit.signal.addEventListener('abort', forward, { once: true });
  limit.clock.sleep(limit.timeoutMs, timer.signal).then(
    () => {
      controller.abort(limit.late());
    },
    () => undefined,
  );
  try {
    return await work(controller.signal);
  } finally {
    timer.abort();
    limit.signal.removeEventListener('abort', forward);
  }
}

/** Sleeps, and says whether the time is over: `false` when `signal` ended it. For loops that live until they are told to stop. */
export async function slept(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
    return true;
  } catch {
    return false;
  }
}
