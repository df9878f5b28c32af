import type { TreePage } from '../bbolt/tree-page.ts';
import type { KeyBytes } from './key-table.ts';
import { parseKeyValue, type KeyValueHead } from './key-value.ts';
import { REVISION_BYTES, TOMBSTONE_MARK, UNDERSCORE } from './revision-key.ts';

/** Which change of the history, read for millions of them: numbers instead of big integers. */
export interface ChangeName {
  readonly main: number;
  readonly isTombstone: boolean;
}

/** The name of element `index` of a leaf of the bucket `key` (etcd: server/storage/mvcc/revision.go); `undefined` for what is none. */
export function changeNameAt(leaf: TreePage, index: number): ChangeName | undefined {
  const { bytes } = leaf;
  const start = leaf.keyStart(index);
  const length = leaf.keyBytes(index);
  const isTombstone = length === REVISION_BYTES + 1 && bytes[start + REVISION_BYTES] === TOMBSTONE_MARK;
  if ((length !== REVISION_BYTES && !isTombstone) || bytes[start + 8] !== UNDERSCORE) return undefined;
  const main = bytes.readUInt32BE(start) * 2 ** 32 + bytes.readUInt32BE(start + 4);
  return main <= Number.MAX_SAFE_INTEGER ? { main, isTombstone } : undefined;
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
