import { runSchedule } from './run-schedule.ts';
import type { FaultKind } from './fault-kinds.ts';
import type { Rules } from './rules.ts';
import { scheduleOf } from './schedule.ts';

export interface SeriesOptions {
  readonly seed: number;
  readonly firstRun: number;
  readonly runs: number;
  readonly rules?: Rules;
  /** Nothing else goes wrong in any schedule. */
  readonly faults?: readonly FaultKind[];
  /** Ends with the first breach. */
  readonly untilBreach?: boolean;
  /** Called now and then with how many were played. */
  readonly onProgress?: (played: number) => void;
}

/** What a series of schedules showed: plain values, so that a thread can hand it over. */
export interface SeriesTally {
  played: number;
  breaches: { readonly run: number; readonly breach: string }[];
  /** By how the operation ended. */
  ends: Record<string, number>;
  /** By `phase/fault`. */
  faults: Record<string, number>;
  takeovers: number;
  /** Schedules with one takeover at least. */
  takenOver: number;
}

const PROGRESS_EVERY = 250;

export function emptyTally(): SeriesTally {
  return { played: 0, breaches: [], ends: {}, faults: {}, takeovers: 0, takenOver: 0 };
}

/** Plays a range of runs one after the other. */
export function playSeries(options: SeriesOptions): SeriesTally {
  const { seed, firstRun, runs, rules, faults: only, untilBreach, onProgress } = options;
  const tally = emptyTally();
  for (let run = firstRun; run < firstRun + runs; run += 1) {
    const { breach, end, faults, takeovers } = runSchedule(
      { ...scheduleOf(seed, run), ...(only === undefined ? {} : { faults: only }) },
      rules,
    );
    tally.played += 1;
    if (breach !== undefined) tally.breaches.push({ run, breach });
    else count(tally.ends, end);
    for (const { phase, kind } of faults) count(tally.faults, `${phase}/${kind}`);
    tally.takeovers += takeovers;
    if (takeovers > 0) tally.takenOver += 1;
    if (untilBreach === true && breach !== undefined) break;
    if (tally.played % PROGRESS_EVERY === 0) onProgress?.(tally.played);
  }
  return tally;
}

export function addTally(sum: SeriesTally, part: SeriesTally): void {
  sum.played += part.played;
  sum.breaches.push(...part.breaches);
  for (const [name, times] of Object.entries(part.ends)) count(sum.ends, name, times);
  for (const [name, times] of Object.entries(part.faults)) count(sum.faults, name, times);
  sum.takeovers += part.takeovers;
  sum.takenOver += part.takenOver;
}

function count(counts: Record<string, number>, name: string, times = 1): void {
  counts[name] = (counts[name] ?? 0) + times;
}
