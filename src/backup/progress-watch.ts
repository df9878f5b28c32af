import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/units.ts';

export interface WatchSettings {
  /** No sign of progress for this long ends the work. There is no limit for the whole: large stores take long. */
  readonly stallMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What is waited for, for the error: `no byte arrived`. */
  readonly what: string;
}

/** Call at each sign of progress. */
export type OnProgress = () => void;

/**
 * Runs `work` as long as it moves.
 *
 * @param work - Ends soon after its signal is aborted.
 * @throws {AgentError} `SNAPSHOT_STALLED` or `CANCELLED`, after `work` has ended; otherwise what `work` throws.
 */
export async function whileProgressing<T>(
  settings: WatchSettings,
  work: (signal: AbortSignal, onProgress: OnProgress) => Promise<T>,
): Promise<T> {
  const { clock, signal } = settings;
  refuseAborted(signal);
  const stalled = new AbortController();
  const ended = new AbortController();
  let movedAt = clock.now();
  const watching = abortWhenStalled(settings, { stalled, ended: ended.signal, movedAt: () => movedAt });
  try {
    return await work(AbortSignal.any([signal, stalled.signal]), () => {
      movedAt = clock.now();
    });
  } catch (error) {
    refuseAborted(stalled.signal);
    refuseAborted(signal);
    throw error;
  } finally {
    ended.abort();
    await watching;
  }
}

interface Watch {
  readonly stalled: AbortController;
  readonly ended: AbortSignal;
  readonly movedAt: () => number;
}

async function abortWhenStalled({ stallMs, clock, what }: WatchSettings, watch: Watch): Promise<void> {
  for (;;) {
    const idleMs = clock.now() - watch.movedAt();
    if (idleMs >= stallMs) {
      watch.stalled.abort(new AgentError('SNAPSHOT_STALLED', `${what} for ${formatDuration(stallMs)}`));
      return;
    }
    try {
      await clock.sleep(stallMs - idleMs, watch.ended);
    } catch {
      // The work ended first: nothing left to watch.
      return;
    }
  }
}

/** Throws the signal's reason as an error with a code: `CANCELLED` unless the one who aborted gave another. */
function refuseAborted(signal: AbortSignal): void {
  if (signal.aborted) throw asAgentError(signal.reason, 'CANCELLED');
}
