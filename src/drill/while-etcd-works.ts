import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/units.ts';
import { wasBusy } from './activity.ts';
import type { ThrowAwayEtcd } from './boot-etcd.ts';
import { EtcdEnded } from './etcd-ended.ts';
import { readActivity } from './read-activity.ts';

interface Watch {
  readonly etcd: ThrowAwayEtcd;
  /** It is given up when it did nothing for this long. */
  readonly stallMs: number;
  readonly clock: Clock;
}

const LOOK_EACH_MS = 1000;

/**
 * Runs `work` as long as etcd works: to open a large database takes as long as it takes, and shows as use of the processor
 * and the disk.
 *
 * @throws {EtcdEnded} when it ended first.
 * @throws {AgentError} `DRILL_UNAVAILABLE` when it idled for `stallMs` before `work` was done; what `work` throws.
 */
export async function whileEtcdWorks<T>(
  watch: Watch,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { etcd } = watch;
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const ended = etcd.ended.then(async (how): Promise<never> => {
    throw new EtcdEnded(how, await etcd.words());
  });
  const idled = untilIdle(watch, either);
  const working = work(either);
  // Those that lose the race are ended below.
  for (const one of [ended, idled, working]) one.catch(() => undefined);
  try {
    return await Promise.race([ended, idled, working]);
  } finally {
    over.abort(new AgentError('CANCELLED', 'the drill is over'));
    await Promise.allSettled([idled, working]);
  }
}

async function untilIdle({ etcd, stallMs, clock }: Watch, signal: AbortSignal): Promise<never> {
  const pauseMs = Math.max(1, Math.min(LOOK_EACH_MS, stallMs / 4));
  let last = await readActivity(etcd.pid);
  for (let idleMs = 0; idleMs < stallMs;) {
    await clock.sleep(pauseMs, signal);
    const now = await readActivity(etcd.pid);
    idleMs = wasBusy(last, now, pauseMs) ? 0 : idleMs + pauseMs;
    last = now;
  }
  throw new AgentError(
    'DRILL_UNAVAILABLE',
    `the throw-away etcd did not answer, and did nothing for ${formatDuration(stallMs)}. It said: ${await etcd.words()}`,
  );
}
