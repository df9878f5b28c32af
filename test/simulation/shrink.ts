import { runSchedule } from './run-schedule.ts';
import type { Rules } from './rules.ts';
import type { Schedule } from './schedule.ts';

/**
 * A smaller schedule that breaches the same invariant: fewer hosts, fewer kinds of faults, fewer turns. What the smaller one says in
 * words may differ in its details.
 */
export function shrinkSchedule(found: Schedule, breach: string, rules?: Rules): Schedule {
  const [invariant] = breach.split(':', 1);
  const breaches = (schedule: Schedule): boolean =>
    runSchedule(schedule, rules).breach?.split(':', 1)[0] === invariant;
  let smallest = found;
  for (let hosts = 1; hosts < smallest.hosts; hosts += 1) {
    const fewer = { ...smallest, hosts };
    if (breaches(fewer)) smallest = fewer;
  }
  for (const kind of found.faults) {
    const fewer = { ...smallest, faults: smallest.faults.filter((each) => each !== kind) };
    if (breaches(fewer)) smallest = fewer;
  }
  return fewerTurns(smallest, breaches);
}

/** Halves first, then ever smaller pieces: a turn has its own random numbers, so that the others stay what they are. */
function fewerTurns(found: Schedule, breaches: (schedule: Schedule) => boolean): Schedule {
  let smallest = found;
  for (let size = Math.ceil(found.turns.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < smallest.turns.length;) {
      const turns = [...smallest.turns.slice(0, start), ...smallest.turns.slice(start + size)];
      const fewer = { ...smallest, turns };
      if (breaches(fewer)) smallest = fewer;
      else start += size;
    }
  }
  return smallest;
}
