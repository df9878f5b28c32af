import { findBucket, readValue, rootBucket, type Bucket } from '../bbolt/bucket.ts';
import { entries, lastKey } from '../bbolt/cursor.ts';
import type { PageFile } from '../bbolt/page-file.ts';
import { parseAlarmKey, type StoredAlarm } from './alarm-key.ts';
import { readCompactionState, requireRevision } from './compaction-state.ts';
import { damagedKeyspace, shownBytes } from './damaged-keyspace.ts';
import { etcdBucket } from './etcd-bucket.ts';

/** What a database file says of the cluster that wrote it. */
export interface KeyspaceFacts {
  /** As etcd will say it after a start on this file: 1 when nothing was ever written. */
  readonly revision: number;
  /** The revision of the newest entry that is still in the file, 0 without any: what a restore tool counts its bump from. */
  readonly lastEntryRevision: number;
  /** Up to here history is gone; -1 when nothing was ever compacted, as HashKV says it. */
  readonly compactRevision: number;
  readonly alarms: readonly StoredAlarm[];
  /** Leases that were granted and not yet revoked, counted up to 100,000. */
  readonly leaseCount?: number;
  readonly authEnabled: boolean;
  /** The raft index up to which the file holds everything; the WAL may hold more. */
  readonly consistentIndex?: number;
  /** The raft term of that index; from 3.5 on. */
  readonly term?: number;
  /** `3.6.0`; from 3.6 on, and older etcd refuses a newer one. */
  readonly storageVersion?: string;
  /** `3.5.0`: what the members had agreed on. */
  readonly clusterVersion?: string;
}

/** Counting ends here: beyond it the number changes nothing. */
const LEASES_COUNTED = 100_000;

const MOST_ALARMS = 1000;

/**
 * Reads the few places of a database that tell what it is: a handful of pages, and those of the leases.
 *
 * The largest revision of a key alone is too small after a compaction that removed the newest tombstones, so the
 * compacted revisions count too (etcd: server/storage/mvcc/kvstore.go, restore).
 *
 * @throws {AgentError} `SNAPSHOT_NOT_A_DATABASE` when the file is a database of something else; `SNAPSHOT_DAMAGED`;
 *   `FILE_UNREADABLE`.
 */
export function readKeyspaceFacts(file: PageFile): KeyspaceFacts {
  const root = rootBucket(file);
  const [keys, meta] = [etcdBucket(file, 'key'), etcdBucket(file, 'meta')];
  const leases = findBucket(root, 'lease');
  const auth = findBucket(root, 'auth');
  return {
    ...readRevisions(keys, meta),
    alarms: readAlarms(findBucket(root, 'alarm')),
    ...(leases === undefined ? {} : { leaseCount: countEntries(leases, LEASES_COUNTED) }),
    authEnabled: auth !== undefined && readValue(auth, 'authEnabled')?.[0] === 1,
    ...readPosition(meta),
    ...readClusterVersion(findBucket(root, 'cluster')),
  };
}

function readRevisions(
  keys: Bucket,
  meta: Bucket,
): Pick<KeyspaceFacts, 'revision' | 'lastEntryRevision' | 'compactRevision'> {
  const last = lastKey(keys);
  const newest = last === undefined ? 0 : requireRevision(last, 'the last key of the bucket "key"');
  const { compactRevision } = readCompactionState(meta);
  return { revision: Math.max(1, newest, compactRevision), lastEntryRevision: newest, compactRevision };
}

function readAlarms(bucket: Bucket | undefined): StoredAlarm[] {
  const alarms: StoredAlarm[] = [];
  if (bucket === undefined) return alarms;
  for (const { key } of entries(bucket)) {
    const alarm = parseAlarmKey(key);
    if (alarm === undefined || alarms.length === MOST_ALARMS) {
      throw damagedKeyspace(`entry ${alarms.length} of the bucket "alarm" is ${shownBytes(key)}`);
    }
    alarms.push(alarm);
  }
  return alarms;
}

function countEntries(bucket: Bucket, limit: number): number {
  let count = 0;
  for (const entry of entries(bucket)) {
    if (!entry.isBucket) count += 1;
    if (count >= limit) break;
  }
  return count;
}

function readPosition(meta: Bucket): Pick<KeyspaceFacts, 'consistentIndex' | 'term' | 'storageVersion'> {
  const index = readValue(meta, 'consistent_index');
  const term = readValue(meta, 'term');
  const version = readValue(meta, 'storageVersion');
  return {
    ...(index === undefined ? {} : { consistentIndex: requireCount(index, 'consistent_index') }),
    ...(term === undefined ? {} : { term: requireCount(term, 'term') }),
    ...(version === undefined ? {} : { storageVersion: requireVersion(version, 'storageVersion') }),
  };
}

function readClusterVersion(cluster: Bucket | undefined): Pick<KeyspaceFacts, 'clusterVersion'> {
  const version = cluster === undefined ? undefined : readValue(cluster, 'clusterVersion');
  return version === undefined ? {} : { clusterVersion: requireVersion(version, 'clusterVersion') };
}

function requireCount(bytes: Buffer, what: string): number {
  const value = bytes.length === 8 ? bytes.readBigUInt64BE(0) : undefined;
  if (value === undefined || value > BigInt(Number.MAX_SAFE_INTEGER))
    throw damagedKeyspace(`${what} is ${shownBytes(bytes)}`);
  return Number(value);
}

function requireVersion(bytes: Buffer, what: string): string {
  const text = bytes.toString('latin1', 0, 64);
  if (bytes.length > 64 || !/^[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$/.test(text)) {
    throw damagedKeyspace(`${what} is ${shownBytes(bytes)}`);
  }
  return text;
}
