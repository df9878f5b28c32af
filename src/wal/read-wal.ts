import { basename } from 'node:path';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';
import { LogSummary } from './log-summary.ts';
import { readSegment } from './read-segment.ts';
import type { LogIdentity } from './record-data.ts';
import { RecordReader, type ChecksumChain } from './record-reader.ts';
import { openSegment } from './segment-file.ts';
import { listSegments, type Segment } from './segments.ts';
import { damagedWal } from './wal-errors.ts';

/** What a member's write-ahead log says. */
export interface WalFacts extends LogIdentity {
  /** The newest entry of the raft log that the member has, committed or not. */
  readonly lastIndex: number;
  /** 0 when no entry and no snapshot is left in the log. */
  readonly lastTerm: number;
  /** Up to here the member knew entries to be committed; it may lag behind what was. */
  readonly commitIndex: number;
  /** The entries up to here are in a snapshot too; 0 before the first one. */
  readonly snapshotIndex: number;
  readonly segments: number;
  /** Where the log ends in a record that was not written whole, and does not count. A crash leaves that; a running member's is under way. */
  readonly torn?: { readonly segment: string; readonly offset: number };
}

/** How often the segments are listed anew: a running etcd removes the oldest. */
const LISTINGS = 4;

/**
 * Reads a write-ahead log and proves each record by its sum, oldest segment first. Nothing is written, no lock is taken,
 * and an etcd may append meanwhile. Memory does not grow with the log.
 *
 * @param directory - `member/wal` of the data directory, or etcd's `--wal-dir`.
 * @throws {AgentError} `WAL_UNREADABLE`, `WAL_DAMAGED` or `CANCELLED`.
 * @see etcd-io/etcd: server/storage/wal (decoder.go, encoder.go, wal.go) for the format, the same from 3.4 to 3.7.
 */
export async function readWal(directory: string, signal: AbortSignal): Promise<WalFacts> {
  for (let listing = 1; ; listing += 1) {
    const segments = await listSegments(directory);
    try {
      return await readSegments(segments, signal);
    } catch (error) {
      if (listing === LISTINGS || !isGone(error)) throw error;
    }
  }
}

async function readSegments(segments: readonly Segment[], signal: AbortSignal): Promise<WalFacts> {
  const summary = new LogSummary(segments[0]?.firstIndex ?? 0);
  const chain: ChecksumChain = { sum: undefined };
  let torn: WalFacts['torn'];
  for (const [position, segment] of segments.entries()) {
    const file = await openSegment(segment.path, signal);
    try {
      const reader = new RecordReader(file, chain);
      const isNewest = position === segments.length - 1;
      const isTorn = await readSegment({ file, reader, isNewest }, summary);
      if (isTorn) torn = { segment: basename(segment.path), offset: reader.offset };
    } finally {
      await file.close();
    }
  }
  const { identity, last, commitIndex, snapshotIndex } = summary;
  if (identity === undefined) throw damagedWal(segments[0]?.path ?? '', 0, 'no record says whose log it is');
  return {
    ...identity,
    lastIndex: last.index,
    lastTerm: last.term,
    commitIndex,
    snapshotIndex,
    segments: segments.length,
    ...(torn === undefined ? {} : { torn }),
  };
}

/** A segment that was there when they were listed is not there any more. */
function isGone(error: unknown): boolean {
  return error instanceof AgentError && systemCodeOf(error.cause) === 'ENOENT';
}
