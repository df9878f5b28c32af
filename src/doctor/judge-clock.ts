import { formatDuration } from '../base/units.ts';
import { about, ok, warn, type Check } from './check.ts';

/** One exchange with a peer; all times in milliseconds since the epoch. */
export interface ClockSample {
  readonly askedAtMs: number;
  readonly theirsMs: number;
  readonly answeredAtMs: number;
}

/** More than this is no trouble yet, and a sign of it. */
const MOST_MS = 1000;

/**
 * How far a peer's clock is ahead of ours (negative: behind), to within half a round trip: of several samples the one with
 * the shortest trip says the most.
 */
export function clockOffset(samples: readonly ClockSample[]): { offsetMs: number; withinMs: number } {
  const [best] = [...samples].sort((left, right) => tripOf(left) - tripOf(right));
  if (best === undefined) throw new Error('no sample of a clock');
  const { askedAtMs, theirsMs, answeredAtMs } = best;
  return { offsetMs: theirsMs - (askedAtMs + answeredAtMs) / 2, withinMs: tripOf(best) / 2 };
}

/** What a round trip could explain is not held against a clock. */
export function judgeClock(peer: string, samples: readonly ClockSample[]): Check {
  const { offsetMs, withinMs } = clockOffset(samples);
  const direction = offsetMs < 0 ? 'behind' : 'ahead';
  const size = formatDuration(Math.abs(offsetMs));
  const found = `the clock of ${peer} is ${size} ${direction}, to within ${formatDuration(withinMs)}`;
  const isOff = Math.abs(offsetMs) - withinMs > MOST_MS;
  const check = isOff
    ? warn(
        'mesh.clock',
        found,
        'Look at both hosts: `timedatectl`. Ages of snapshots and certificates go by these clocks.',
      )
    : ok('mesh.clock', found);
  return about(peer, check);
}

function tripOf({ askedAtMs, answeredAtMs }: ClockSample): number {
  return Math.max(0, answeredAtMs - askedAtMs);
}
