import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { LogIdentity } from '../wal/record-data.ts';
import type { WalFacts } from '../wal/read-wal.ts';
import type { WalBeside } from './wal-beside.ts';

/** The copy that a log is beside. */
export interface CopyBesideWal {
  /** Up to which raft index the file holds everything. */
  readonly consistentIndex: number | undefined;
  /** What the member said of itself, if it answered. */
  readonly status: LogIdentity | undefined;
  /** No process had the files open: what is torn stays so. */
  readonly isOffline: boolean;
}

/** What a log tells of the copy beside it, in the manifest's words. */
export type WalWords = Pick<SnapshotManifest, 'clusterId' | 'memberId' | 'walEntriesNewer' | 'note'>;

/**
 * Judges what a copied database owes to the log beside it: who wrote it, where the member did not say so itself, and how
 * many entries it does not have. A log that contradicts the member or the file is not theirs, and says nothing of them.
 */
export function judgeWal(wal: WalBeside, copy: CopyBesideWal): WalWords {
  const { identity, facts, problem } = wal;
  const stranger = strangerIn(wal, copy);
  if (stranger !== undefined) return { note: stranger };
  const writer = copy.status === undefined ? identity : undefined;
  if (facts !== undefined) return { ...writer, ...distanceTo(facts, copy) };
  return { ...writer, ...noteOf(problem && `the WAL was not read: ${problem.message}`) };
}

/** How far the file is behind the log. */
function distanceTo(
  { lastIndex, snapshotIndex, torn }: WalFacts,
  { consistentIndex, isOffline }: CopyBesideWal,
): Pick<WalWords, 'walEntriesNewer' | 'note'> {
  // A file in which etcd has not noted one yet has nothing of what came after the log's snapshot, if there was one.
  return {
    walEntriesNewer: lastIndex - (consistentIndex ?? snapshotIndex),
    ...noteOf(isOffline && torn !== undefined ? tornWords(torn) : undefined),
  };
}

/** Why the log is not the one that belongs to the copy, if so. */
function strangerIn(
  { directory, identity, facts }: WalBeside,
  { status, consistentIndex }: CopyBesideWal,
): string | undefined {
  if (identity !== undefined && status !== undefined && !isSame(identity, status)) {
    return `${directory} holds the WAL of ${nameOf(identity)}, and this is ${nameOf(status)}: is etcd.walDir right?`;
  }
  if (facts === undefined || consistentIndex === undefined || facts.lastIndex >= consistentIndex)
    return undefined;
  return `the WAL in ${directory} ends with entry ${facts.lastIndex}, and the database holds all up to ${consistentIndex}: is etcd.walDir right?`;
}

function isSame(one: LogIdentity, other: LogIdentity): boolean {
  return one.memberId === other.memberId && one.clusterId === other.clusterId;
}

function nameOf({ memberId, clusterId }: LogIdentity): string {
  return `member ${memberId} of cluster ${clusterId}`;
}

function tornWords({ segment, offset }: NonNullable<WalFacts['torn']>): string {
  return `the WAL ends in a record that was not written whole, at byte ${offset} of ${segment}; etcd drops it when it starts`;
}

function noteOf(note: string | undefined): Pick<SnapshotManifest, 'note'> {
  return note === undefined ? {} : { note };
}
