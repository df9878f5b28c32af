import { readValue, type Bucket } from '../bbolt/bucket.ts';
import { damagedKeyspace, shownBytes } from './damaged-keyspace.ts';
import { parseRevisionKey } from './revision-key.ts';

/** How far history is gone; -1 when nothing was ever compacted, as HashKV says it. */
export interface CompactionState {
  /** Up to here etcd answers "compacted". */
  readonly compactRevision: number;
  /** Up to here nothing superseded is left. It is behind while a compaction is under way; etcd goes on with it at its next start. */
  readonly finishedRevision: number;
}

/**
 * Of the bucket `meta` (etcd: server/storage/mvcc/store.go).
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export function readCompactionState(meta: Bucket): CompactionState {
  const finishedRevision = readRevision(meta, 'finishedCompactRev');
  return {
    finishedRevision,
    compactRevision: Math.max(finishedRevision, readRevision(meta, 'scheduledCompactRev')),
  };
}

function readRevision(meta: Bucket, name: string): number {
  const value = readValue(meta, name);
  return value === undefined ? -1 : requireRevision(value, name);
}

/** @throws {AgentError} `SNAPSHOT_DAMAGED` for what is no revision. */
export function requireRevision(bytes: Buffer, what: string): number {
  const main = parseRevisionKey(bytes)?.main;
  if (main !== undefined) return main;
  throw damagedKeyspace(`${what} is ${shownBytes(bytes)}, which is no revision`);
}
