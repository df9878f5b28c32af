import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { unreadableWal } from './wal-errors.ts';

/** One file of a log, by its name. */
export interface Segment {
  readonly path: string;
  /** The first is 0, and each has one more than the one before it. */
  readonly sequence: number;
  /** The raft index of the first entry that was to be written to it. */
  readonly firstIndex: number;
}

const SEGMENT_NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;

/**
 * The segments of a log, oldest first. Other names in the directory are not looked at: etcd keeps the next segments
 * there as `0.tmp` and `1.tmp`, and after a repair the old one as `….wal.broken` (etcd: server/storage/wal/util.go).
 *
 * @throws {AgentError} `WAL_UNREADABLE` also when there is none; `WAL_DAMAGED` when one between two others is missing.
 */
export async function listSegments(directory: string): Promise<Segment[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (cause) {
    throw unreadableWal(directory, cause);
  }
  const segments = names
    .map((name) => parseSegmentName(directory, name))
    .filter((segment) => segment !== undefined)
    .sort((a, b) => a.sequence - b.sequence);
  if (segments.length === 0) {
    throw new AgentError('WAL_UNREADABLE', `${directory} holds no segment of a log (*.wal)`);
  }
  refuseGaps(directory, segments);
  return segments;
}

function parseSegmentName(directory: string, name: string): Segment | undefined {
  const [, sequence, firstIndex] = SEGMENT_NAME.exec(name) ?? [];
  if (sequence === undefined || firstIndex === undefined) return undefined;
  return {
    path: join(directory, name),
    sequence: Number.parseInt(sequence, 16),
    firstIndex: Number.parseInt(firstIndex, 16),
  };
}

/** Two of one sequence number are a gap too, of -1. */
function refuseGaps(directory: string, segments: readonly Segment[]): void {
  let before: Segment | undefined;
  for (const segment of segments) {
    if (before !== undefined && segment.sequence !== before.sequence + 1) {
      throw new AgentError(
        'WAL_DAMAGED',
        `${directory}: segment ${segment.sequence} follows segment ${before.sequence}`,
        { details: { path: segment.path } },
      );
    }
    before = segment;
  }
}
