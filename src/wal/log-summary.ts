import {
  parseCommit,
  parseEntry,
  parseMetadata,
  parseSnapshot,
  type LogIdentity,
  type LogPosition,
} from './record-data.ts';
import type { WalRecord } from './record-reader.ts';

/** What the records of a log say all together. */
export class LogSummary {
  identity: LogIdentity | undefined;
  /** The newest entry, or the newest snapshot where that is ahead of it (etcd: server/storage/wal/wal.go, enti). */
  last: LogPosition;
  commitIndex = 0;
  snapshotIndex = 0;

  /** @param firstIndex - Of the first segment: what is before it was in segments that are gone. */
  constructor(firstIndex: number) {
    this.last = { index: Math.max(0, firstIndex - 1), term: 0 };
  }

  /** Takes in the next record. Returns what is wrong with it, if anything: its bytes are those that were written. */
  add({ type, data }: WalRecord): string | undefined {
    switch (type) {
      case 'metadata':
        return this.#identify(parseMetadata(data));
      case 'entry': {
        const entry = parseEntry(data);
        // An index again means that the entries from there on were never committed, and were replaced.
        this.last = entry ?? this.last;
        return entry === undefined ? 'the entry is not one of raft' : undefined;
      }
      case 'state': {
        const commitIndex = parseCommit(data);
        this.commitIndex = commitIndex ?? this.commitIndex;
        return commitIndex === undefined ? 'the state is not one of raft' : undefined;
      }
      case 'snapshot':
        return this.#mark(parseSnapshot(data));
      case 'crc':
        return undefined;
    }
  }

  #identify(found: LogIdentity | undefined): string | undefined {
    if (found === undefined) return 'the metadata names no member and cluster';
    const { memberId, clusterId } = (this.identity ??= found);
    if (found.memberId === memberId && found.clusterId === clusterId) return undefined;
    return `it is of member ${found.memberId} of cluster ${found.clusterId}, and before it of ${memberId} of ${clusterId}`;
  }

  #mark(snapshot: LogPosition | undefined): string | undefined {
    if (snapshot === undefined) return 'the snapshot is not one of raft';
    this.snapshotIndex = snapshot.index;
    if (snapshot.index > this.last.index) this.last = snapshot;
    return undefined;
  }
}
