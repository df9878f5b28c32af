import type { TreePage } from '../bbolt/tree-page.ts';
import type { KeyBytes } from './key-table.ts';
import { parseKeyValue, type KeyValueHead } from './key-value.ts';
import { parseRevisionKey, type RevisionKey } from './revision-key.ts';

/** The name of element `index` of a leaf of the bucket `key`; `undefined` for what is none. */
export function changeNameAt(leaf: TreePage, index: number): RevisionKey | undefined {
  return parseRevisionKey(leaf.bytes, leaf.keyStart(index), leaf.keyBytes(index));
}

/** The restore tool marks a raised revision by a change with nothing in it (etcdutl/snapshot/v3_snapshot.go, unsafeBumpBucketsRevision). */
export const NOTHING: KeyValueHead = {
  keyStart: 0,
  keyEnd: 0,
  valueStart: 0,
  valueEnd: 0,
  createRevision: 0,
  modRevision: 0,
  version: 0,
  lease: 0n,
};

/** What element `index` of that leaf holds; `undefined` for what is no key-value. */
export function keyValueAt(leaf: TreePage, index: number): KeyValueHead | undefined {
  const start = leaf.valueStart(index);
  const sizeBytes = leaf.valueBytes(index);
  return sizeBytes === 0 ? NOTHING : parseKeyValue(leaf.bytes, start, start + sizeBytes);
}

export function keyRangeOf({ bytes }: TreePage, head: KeyValueHead): KeyBytes {
  return { bytes, start: head.keyStart, end: head.keyEnd };
}
