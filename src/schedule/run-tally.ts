import { asAgentError } from '../base/agent-error.ts';
import type { ScheduleRecord } from '../formats/schedule-record.ts';

// How a record changes. Pure: times come in as milliseconds since the epoch.

export type EndedRun =
  | { readonly outcome: 'done' | 'skipped' | 'interrupted' }
  | { readonly outcome: 'failed'; readonly error: unknown };

export type Tallied = keyof ScheduleRecord['counts'];

const NOTHING_YET = { done: 0, skipped: 0, failed: 0, interrupted: 0, dropped: 0, missed: 0 };

/** The record of a schedule that never ran. */
export function firstRecord(nextDueMs: number): ScheduleRecord {
  return { version: 1, nextDueAt: iso(nextDueMs), counts: NOTHING_YET };
}

export function withNextDue(record: ScheduleRecord, nextDueMs: number): ScheduleRecord {
  return { ...record, nextDueAt: iso(nextDueMs) };
}

export function withCount(record: ScheduleRecord, tallied: Tallied): ScheduleRecord {
  return { ...record, counts: { ...record.counts, [tallied]: record.counts[tallied] + 1 } };
}

export function withStart(
  record: ScheduleRecord,
  run: { readonly dueMs: number; readonly startedMs: number; readonly late: boolean },
): ScheduleRecord {
  return { ...record, last: { dueAt: iso(run.dueMs), startedAt: iso(run.startedMs), late: run.late } };
}

/** The record with its last run ended; as it was when there is none. */
export function withEnd(record: ScheduleRecord, endedMs: number, ended: EndedRun): ScheduleRecord {
  if (record.last === undefined) return record;
  const last = { ...record.last, endedAt: iso(endedMs), outcome: ended.outcome };
  const counted = withCount(record, ended.outcome);
  if (ended.outcome !== 'failed') return { ...counted, last };
  const { code, message } = asAgentError(ended.error);
  return { ...counted, last: { ...last, error: { code, message } } };
}

/** The record as a start finds it: a run without an end was cut off with the agent. */
export function withCrashNoted(record: ScheduleRecord, nowMs: number): ScheduleRecord {
  const cutOff = record.last !== undefined && record.last.outcome === undefined;
  return cutOff ? withEnd(record, nowMs, { outcome: 'interrupted' }) : record;
}

/** The due time of a run that was missed or interrupted while no agent ran. */
export function owedAtStart(
  record: ScheduleRecord,
  nowMs: number,
): { missedMs?: number; interruptedMs?: number } {
  const { last } = record;
  const nextDueMs = Date.parse(record.nextDueAt);
  const missed = nextDueMs <= nowMs ? { missedMs: nextDueMs } : {};
  // Once: a run that brings the agent down would otherwise do so at every start.
  if (last === undefined || last.late || (last.outcome ?? 'interrupted') !== 'interrupted') return missed;
  return { ...missed, interruptedMs: Date.parse(last.dueAt) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
