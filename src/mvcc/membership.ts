import { findBucket, readValue, rootBucket, type Bucket } from '../bbolt/bucket.ts';
import { entries } from '../bbolt/cursor.ts';
import type { PageFile } from '../bbolt/page-file.ts';
import {
  parseEtcdDowngrade,
  parseEtcdMember,
  type EtcdDowngrade,
  type EtcdMember,
} from '../formats/etcd-member.ts';
import { damagedKeyspace, shownBytes } from './damaged-keyspace.ts';

/** Who the cluster was, as the database says. What etcd 3.4's tool restored says nothing until it was started. */
export interface Membership {
  readonly members: readonly (EtcdMember & { readonly id: string })[];
  /** They may never come back under that ID. */
  readonly removedMemberIds: readonly string[];
  /** From 3.5 on. */
  readonly downgrade?: EtcdDowngrade;
}

/** etcd keeps every member that was ever removed; no cluster is so large, or so restless. */
const MOST_MEMBERS = 10_000;

/** @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`. */
export function readMembership(file: PageFile): Membership {
  const root = rootBucket(file);
  const cluster = findBucket(root, 'cluster');
  const downgrade = cluster && readValue(cluster, 'downgrade');
  return {
    members: entriesOf(findBucket(root, 'members'), 'members').map(({ id, value }) => {
      const member = parseEtcdMember(value.toString());
      if (member === undefined) throw damagedKeyspace(`member ${id} is ${shownBytes(value)}`);
      return { id, ...member };
    }),
    removedMemberIds: entriesOf(findBucket(root, 'members_removed'), 'members_removed').map(({ id }) => id),
    ...(downgrade === undefined ? {} : { downgrade: requireDowngrade(downgrade) }),
  };
}

function entriesOf(bucket: Bucket | undefined, name: string): { id: string; value: Buffer }[] {
  const found: { id: string; value: Buffer }[] = [];
  if (bucket === undefined) return found;
  for (const { key, value } of entries(bucket)) {
    const id = key.toString('latin1', 0, 17);
    if (key.length > 16 || !/^[0-9a-f]+$/.test(id) || found.length === MOST_MEMBERS) {
      throw damagedKeyspace(`entry ${found.length} of the bucket "${name}" is ${shownBytes(key)}`);
    }
    found.push({ id: id.padStart(16, '0'), value });
  }
  return found;
}

function requireDowngrade(value: Buffer): EtcdDowngrade {
  const downgrade = parseEtcdDowngrade(value.toString());
  if (downgrade !== undefined) return downgrade;
  throw damagedKeyspace(`downgrade is ${shownBytes(value)}`);
}
