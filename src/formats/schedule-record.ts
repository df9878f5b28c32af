import { z } from 'zod';
import { AgentError, messageOf } from '../base/agent-error.ts';

const count = z.int().nonnegative();
const instant = z.iso.datetime();

const run = z.strictObject({
  /** When it was due, as opposed to when it began. */
  dueAt: instant,
  startedAt: instant,
  /** Absent while it goes on; absent at a start, it was interrupted. */
  endedAt: instant.exactOptional(),
  /** Whether it made up for a run that was missed or interrupted. */
  late: z.boolean(),
  outcome: z.enum(['done', 'skipped', 'failed', 'interrupted']).exactOptional(),
  error: z.strictObject({ code: z.string(), message: z.string() }).exactOptional(),
});

const scheduleRecord = z.strictObject({
  version: z.literal(1),
  /** The due time that the schedule waited for when this was written. Passed at the next start: it was missed. */
  nextDueAt: instant,
  last: run.exactOptional(),
  counts: z.strictObject({
    done: count,
    skipped: count,
    failed: count,
    interrupted: count,
    /** Due while the run before still went on. */
    dropped: count,
    /** Due while nobody could run it: the agent was down, busy, or the clock jumped. */
    missed: count,
  }),
});

/** What one schedule remembers over restarts: `schedule.json` in the state directory. Strict, as every file of ours. */
export type ScheduleRecord = z.output<typeof scheduleRecord>;

export type ScheduledRun = z.output<typeof run>;

export function formatScheduleRecord(record: ScheduleRecord): string {
  return `${JSON.stringify(scheduleRecord.parse(record), undefined, 2)}\n`;
}

/** @throws {AgentError} `STATE_DAMAGED` when it is not a record that this release knows. */
export function parseScheduleRecord(text: string, path: string): ScheduleRecord {
  try {
    return scheduleRecord.parse(JSON.parse(text));
  } catch (cause) {
    const reason =
      cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll('\n', ' ') : messageOf(cause);
    throw new AgentError('STATE_DAMAGED', `${path} is no schedule record: ${reason}`, {
      cause,
      details: { path },
    });
  }
}
