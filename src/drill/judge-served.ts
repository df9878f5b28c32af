import { AgentError } from '../base/agent-error.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';

/** What a member restored from the snapshot must serve. */
export type Expected = Required<Pick<SnapshotManifest, 'revision' | 'keyCount' | 'hashKv'>> &
  Pick<SnapshotManifest, 'leaseCount'>;

/** What it did serve. */
export interface Served {
  /** When it first answered. */
  readonly revision: number;
  /** Live keys at the snapshot's revision. */
  readonly keyCount: number;
  /** At the snapshot's revision. */
  readonly hash: number;
  readonly compactRevision: number;
}

/**
 * Holds what etcd served against what the snapshot is known to hold.
 *
 * @returns `SNAPSHOT_DAMAGED` with all that differs, or nothing.
 * @throws {AgentError} `DRILL_UNAVAILABLE` where both hashes are of different states, so that they say nothing.
 */
export function judgeServed(expected: Expected, served: Served): AgentError | undefined {
  const problems = [
    ...(isRevisionRight(expected, served)
      ? []
      : [`revision is ${served.revision}, the snapshot has ${expected.revision}`]),
    ...(served.keyCount === expected.keyCount
      ? []
      : [`it serves ${served.keyCount} keys, the snapshot has ${expected.keyCount}`]),
    ...hashProblems(expected, served),
  ];
  return problems.length === 0
    ? undefined
    : new AgentError('SNAPSHOT_DAMAGED', `as etcd serves it: ${problems.join('; ')}`);
}

/** Leases that ran out make it go on. */
function isRevisionRight({ revision, leaseCount = 0 }: Expected, served: Served): boolean {
  return leaseCount > 0 ? served.revision >= revision : served.revision === revision;
}

function hashProblems({ hashKv, keyCount }: Expected, served: Served): string[] {
  // Where no key lives, etcd hashes also what a compaction has yet to remove, and it removes that when it starts.
  if (keyCount === 0 && served.keyCount === 0) return [];
  if (served.compactRevision !== hashKv.compactRevision) {
    throw new AgentError(
      'DRILL_UNAVAILABLE',
      `etcd counts revisions up to ${served.compactRevision} as compacted and the snapshot up to ${hashKv.compactRevision}, so their hashes cannot be compared`,
    );
  }
  return served.hash === hashKv.hash
    ? []
    : [`HashKV is ${served.hash}, the snapshot has ${hashKv.hash} at revision ${hashKv.revision}`];
}
