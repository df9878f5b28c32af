import { FAULT_KINDS, type FaultKind } from './fault-kinds.ts';
import { SeededRandom } from './seeded-random.ts';

/** A course of events. All of it follows from these values, and each turn from its own number: any turn can be left out. */
export interface Schedule {
  readonly seed: number;
  readonly hosts: number;
  /** The numbers of the turns, in order. */
  readonly turns: readonly number[];
  /** Turns before this one bring no fault, so that the later phases are reached too. */
  readonly quietTurns: number;
  /** From 0 to 1: how many of the turns bring a fault. */
  readonly faultRate: number;
  readonly faults: readonly FaultKind[];
}

/** The schedule of one run of a series. */
export function scheduleOf(seriesSeed: number, run: number): Schedule {
  const seed = (Math.imul(seriesSeed, 0x9e3779b1) ^ Math.imul(run + 1, 0x85ebca77)) >>> 0;
  const random = new SeededRandom(seed);
  const turns = random.pick([100, 200, 300]);
  const often = random.chance(0.15) ? 0 : random.pick([0.2, 0.5, 1]);
  return {
    seed,
    hosts: random.pick([1, 2, 2, 3, 3, 3, 3, 4, 5]),
    turns: Array.from({ length: turns }, (_, turn) => turn),
    quietTurns: random.chance(0.3) ? 0 : random.below(turns * 0.8),
    faultRate: random.pick([0.03, 0.08, 0.2]),
    faults: FAULT_KINDS.filter(() => random.chance(often)),
  };
}
