import type { Crc32c } from '../base/crc32c.ts';
import type { TreePage } from '../bbolt/tree-page.ts';

/** What `snapshot status` of etcd's own tools says of a file (etcdutl/snapshot/v3_snapshot.go, Status). */
export interface StatusHash {
  readonly hash: number;
  /** As 3.4 and 3.5 count keys: entries of every kind. 3.6 and later count live keys. */
  readonly entryCount: number;
}

/** Adds up names of buckets, keys and values in their order. */
export function hashEverything(crc: Crc32c): {
  addBucket(bucket: readonly string[]): void;
  addLeaf(bucket: readonly string[], leaf: TreePage): void;
  finish(): StatusHash;
} {
  let entryCount = 0;
  return {
    addBucket: (bucket) => {
      if (bucket.length === 1) crc.update(Buffer.from(bucket[0] ?? ''));
    },
    addLeaf: (bucket, leaf) => {
      if (bucket.length !== 1 || leaf.count === 0) return;
      entryCount += leaf.count;
      const last = leaf.count - 1;
      // Keys and values lie one behind the other.
      crc.update(leaf.bytes.subarray(leaf.keyStart(0), leaf.valueStart(last) + leaf.valueBytes(last)));
    },
    finish: () => ({ hash: crc.finish(), entryCount }),
  };
}
