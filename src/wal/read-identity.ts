import { LogSummary } from './log-summary.ts';
import type { LogIdentity } from './record-data.ts';
import { RecordReader } from './record-reader.ts';
import { openSegment } from './segment-file.ts';
import { listSegments } from './segments.ts';
import { damagedWal } from './wal-errors.ts';

/**
 * Who wrote a log, from the beginning of its newest segment: each segment says it. What else is in the log does not
 * matter, and costs nothing.
 *
 * @param directory - `member/wal` of the data directory, or etcd's `--wal-dir`.
 * @throws {AgentError} `WAL_UNREADABLE`, `WAL_DAMAGED` or `CANCELLED`.
 */
export async function readLogIdentity(directory: string, signal: AbortSignal): Promise<LogIdentity> {
  const newest = (await listSegments(directory)).at(-1);
  const file = await openSegment(newest?.path ?? directory, signal);
  try {
    const reader = new RecordReader(file, { sum: undefined });
    const summary = new LogSummary(newest?.firstIndex ?? 0);
    while (summary.identity === undefined) {
      const { offset } = reader;
      const found = await reader.next();
      if (found.kind === 'broken') throw damagedWal(file.path, offset, found.broken.problem);
      const problem =
        found.kind === 'end' ? 'it ends before it says whose log it is' : summary.add(found.record);
      if (problem !== undefined) throw damagedWal(file.path, offset, problem);
    }
    return summary.identity;
  } finally {
    await file.close();
  }
}
