import type { PageFile } from '../bbolt/page-file.ts';
import type { KeyRange } from '../mvcc/key-range.ts';
import { etcdBucket } from '../mvcc/etcd-bucket.ts';
import { readChange, type ChangePlace } from '../mvcc/keyspace-entries.ts';
import type { LiveKey } from '../mvcc/live-key.ts';
import { liveKeys } from '../mvcc/live-keys.ts';

/** The keys and values of a snapshot, as they were at one revision. */
export interface KeySource {
  /** Live keys in key order, without their values. */
  readonly keys: (ranges: readonly KeyRange[], signal: AbortSignal) => AsyncIterable<SnapshotKey>;
  /** @throws {AgentError} `SNAPSHOT_DAMAGED` when there is no such change; `FILE_UNREADABLE`. */
  readonly read: (place: ChangePlace) => KeyAndValue;
}

/** `lease` is 0 without one. */
export type SnapshotKey = Pick<LiveKey, 'key' | 'modRevision' | 'sub' | 'lease' | 'valueSizeBytes'>;

export interface KeyAndValue {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface KeySourceOptions {
  /** The newest when absent. */
  readonly revision?: number;
  /** See `LiveKeysOptions`. */
  readonly scratchDirectory: string;
}

/** @throws {AgentError} `SNAPSHOT_NOT_A_DATABASE`, `SNAPSHOT_DAMAGED`, `FILE_UNREADABLE`; reading the keys, as `liveKeys`. */
export function keySourceOf(file: PageFile, options: KeySourceOptions): KeySource {
  const bucket = etcdBucket(file, 'key');
  return {
    keys: (ranges, signal) => liveKeys(file, { ...options, ranges }, signal),
    read: (place) => {
      const { bytes, head } = readChange(bucket, place);
      return {
        key: bytes.subarray(head.keyStart, head.keyEnd),
        value: bytes.subarray(head.valueStart, head.valueEnd),
      };
    },
  };
}
