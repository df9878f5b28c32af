import { AgentError } from '../base/agent-error.ts';
import { readTextIfPresent, renameDurably, writeTextDurably } from '../base/durable-file.ts';
import {
  formatScheduleRecord,
  parseScheduleRecord,
  type ScheduleRecord,
} from '../formats/schedule-record.ts';

export interface FoundRecord {
  readonly record?: ScheduleRecord;
  /** What was wrong with the file. It was renamed to `path.damaged`. */
  readonly damage?: AgentError;
}

/** Reads the record. A damaged one is set aside: no snapshot may be missed because a note about snapshots is unreadable. */
export async function readRecord(path: string): Promise<FoundRecord> {
  const text = await readTextIfPresent(path);
  if (text === undefined) return {};
  try {
    return { record: parseScheduleRecord(text, path) };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    await renameDurably(path, `${path}.damaged`);
    return { damage: error };
  }
}

/** Replaces the record, whole or not at all. */
export async function writeRecord(path: string, record: ScheduleRecord): Promise<void> {
  await writeTextDurably(path, formatScheduleRecord(record));
}
