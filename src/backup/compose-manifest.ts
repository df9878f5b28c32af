import { randomBytes } from 'node:crypto';
import type { MemberStatus } from '../etcd/maintenance.ts';
import {
  MANIFEST_VERSION,
  type SnapshotManifest,
  type SnapshotProof,
  type SnapshotTrigger,
} from '../formats/snapshot-manifest.ts';
import type { ProvedFacts } from '../snapshot/database-facts.ts';
import { makeSnapshotId } from '../snapshot/snapshot-id.ts';
import type { BackupContext } from './backup-context.ts';

export interface TakenSnapshot {
  readonly file: Pick<
    SnapshotManifest,
    'sha256' | 'sizeBytes' | 'kind' | 'hasTrailer' | 'method' | 'reflinked' | 'walEntriesNewer' | 'note'
  >;
  readonly proof: Omit<SnapshotProof, 'at'>;
  readonly facts: ProvedFacts;
  /** Absent when the member was not running, or did not answer. */
  readonly status: MemberStatus | undefined;
  /** What its log says of it, then. */
  readonly identity?: Pick<SnapshotManifest, 'clusterId' | 'memberId'>;
  readonly trigger: SnapshotTrigger;
  readonly startedMs: number;
}

/** The manifest of a snapshot that was just taken. It counts as taken when the taking began. */
export function composeManifest(
  { settings, clock }: Pick<BackupContext, 'settings' | 'clock'>,
  taken: TakenSnapshot,
): SnapshotManifest {
  const { status, facts, startedMs, proof } = taken;
  const { agent, memberName } = settings;
  const nowMs = clock.now();
  return {
    version: MANIFEST_VERSION,
    id: makeSnapshotId({ atMs: startedMs, agent, revision: facts.revision, random: randomBytes(3) }),
    ...taken.file,
    grade: proof.grade,
    proofs: [{ ...proof, at: new Date(nowMs).toISOString() }],
    ...facts,
    ...(status === undefined ? taken.identity : identityOf(status)),
    memberName,
    takenAt: new Date(startedMs).toISOString(),
    durationMs: Math.max(0, nowMs - startedMs),
    agent,
    trigger: taken.trigger,
  };
}

function identityOf(status: MemberStatus): Pick<SnapshotManifest, 'clusterId' | 'memberId' | 'etcdVersion'> {
  return { clusterId: status.clusterId, memberId: status.memberId, etcdVersion: status.version };
}
