import type { AgentError } from '../base/agent-error.ts';
import type { LogSummary } from './log-summary.ts';
import type { Reading, RecordReader } from './record-reader.ts';
import type { SegmentFile } from './segment-file.ts';
import { isTornEnd, isUnwritten } from './torn-end.ts';
import { damagedWal } from './wal-errors.ts';

interface SegmentReading {
  readonly file: SegmentFile;
  readonly reader: RecordReader;
  /** Only the newest may end in a torn record: etcd completes a segment before it begins the next one. */
  readonly isNewest: boolean;
}

type NoRecord = Exclude<Reading, { kind: 'record' }>;

/** How often the same place is looked at: a running etcd may be writing just there. */
const LOOKS = 4;

/**
 * Reads one segment to its end, and stops at its last whole record.
 *
 * @returns Whether something that was not written whole comes after that.
 * @throws {AgentError} `WAL_DAMAGED`, `WAL_UNREADABLE` or `CANCELLED`.
 */
export async function readSegment(reading: SegmentReading, summary: LogSummary): Promise<boolean> {
  const { file, reader, isNewest } = reading;
  let looks = 0;
  let lookedAt = -1;
  for (;;) {
    const found = await readRecords(reading, summary);
    const { offset } = reader;
    if (!isNewest) {
      if (found.kind === 'end') return false;
      throw damageOf(file, offset, found);
    }
    const ending = await endingOf(file, offset, found);
    if (ending === 'clean') return false;
    looks = offset === lookedAt ? looks + 1 : 1;
    lookedAt = offset;
    if (looks < LOOKS) file.forget();
    else if (ending === 'torn') return true;
    else throw damageOf(file, offset, found);
  }
}

/** Up to what is no record. */
async function readRecords({ file, reader }: SegmentReading, summary: LogSummary): Promise<NoRecord> {
  for (;;) {
    const { offset } = reader;
    const found = reader.nextAtHand() ?? (await reader.next());
    if (found.kind !== 'record') return found;
    const problem = summary.add(found.record);
    if (problem !== undefined) throw damagedWal(file.path, offset, problem);
  }
}

/** What comes after the last whole record of the newest segment. */
async function endingOf(
  file: SegmentFile,
  offset: number,
  found: NoRecord,
): Promise<'clean' | 'torn' | 'damaged'> {
  // A zero where the next record would begin, and something behind it: sectors reached the disk out of order.
  if (found.kind === 'end') return (await isUnwritten(file, offset)) ? 'clean' : 'torn';
  return (await isTornEnd(file, offset, found.broken)) ? 'torn' : 'damaged';
}

function damageOf(file: SegmentFile, offset: number, found: NoRecord): AgentError {
  return damagedWal(file.path, offset, found.kind === 'broken' ? found.broken.problem : 'it ends');
}
