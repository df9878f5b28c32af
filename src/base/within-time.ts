import { AgentError } from './agent-error.ts';
import type { Clock } from './clock.ts';

/**
 * What `work` resolves to, if it does so in time. Work that cannot be ended (a write to a disk that hangs) goes on, and
 * nobody waits for it.
 *
 * @param what - What was waited for, for the message: `the write to /var/lib/x`.
 * @throws {AgentError} `TIMED_OUT`, and whatever `work` rejects with.
 */
export async function withinTime<T>(
  work: Promise<T>,
  { clock, timeoutMs, what }: { readonly clock: Clock; readonly timeoutMs: number; readonly what: string },
): Promise<T> {
  const timer = new AbortController();
  const late = clock.sleep(timeoutMs, timer.signal).then(() => {
    throw new AgentError('TIMED_OUT', `${what} took longer than ${timeoutMs} ms`);
  });
  late.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
