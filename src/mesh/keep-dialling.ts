import { asAgentError } from '../base/agent-error.ts';
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { slept } from './time-limit.ts';

interface DialLoop {
  readonly clock: Clock;
  readonly reconnect: { readonly firstMs: number; readonly longestMs: number };
  /** Ends the loop. */
  readonly signal: AbortSignal;
  /** Opens a link and resolves when it has ended; throws when it could not be opened. */
  connect(): Promise<void>;
  onFailure(error: ReturnType<typeof asAgentError>): void;
}

/**
 * Dials one peer for as long as the mesh lives, also one that refused: certificates and secrets get mended. A link that
 * lasted resets the waits; one that ends at once does not.
 */
export async function keepDialling(loop: DialLoop): Promise<void> {
  const { clock, reconnect, signal } = loop;
  let attempt = 0;
  do {
    const startedAt = clock.now();
    try {
      await loop.connect();
      if (clock.now() - startedAt >= reconnect.longestMs) attempt = 0;
    } catch (error) {
      if (signal.aborted) return;
      loop.onFailure(asAgentError(error, 'PEER_UNREACHABLE'));
    }
    attempt += 1;
  } while (await slept(clock, backoffMs(attempt - 1, reconnect), signal));
}
