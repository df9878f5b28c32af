import { findBucket, rootBucket } from '../bbolt/bucket.ts';
import { entries } from '../bbolt/cursor.ts';
import type { PageFile } from '../bbolt/page-file.ts';
import { readKeyspaceFacts } from '../mvcc/keyspace-facts.ts';
import type { SnapshotOrigin } from './lineage.ts';

/** A cluster has a handful; what a damaged file claims is no reason to read on. */
const MOST_MEMBERS = 1000;

/**
 * Of which cluster a snapshot is, as far as the file tells.
 *
 * @param clusterId - What its manifest says, if it has one.
 * @throws {AgentError} As `readKeyspaceFacts`.
 */
export function originOfSnapshot(file: PageFile, clusterId: string | undefined): SnapshotOrigin {
  const { revision } = readKeyspaceFacts(file);
  return {
    revision,
    memberIds: memberIdsOf(file),
    ...(clusterId === undefined ? {} : { clusterId }),
  };
}

/** The names in the bucket are the IDs, as hex digits without leading zeros (etcd: server/etcdserver/api/membership/store.go). */
function memberIdsOf(file: PageFile): string[] {
  const bucket = findBucket(rootBucket(file), 'members');
  const ids: string[] = [];
  if (bucket === undefined) return ids;
  for (const { key } of entries(bucket)) {
    if (ids.length === MOST_MEMBERS) break;
    ids.push(key.toString('latin1', 0, 16).padStart(16, '0'));
  }
  return ids;
}
