/** How etcd names an entry in the bucket `key` (etcd: server/storage/mvcc/revision.go): main, `_`, sub, and `t` on a tombstone. */
export interface RevisionKey {
  readonly main: bigint;
  readonly sub: bigint;
  readonly isTombstone: boolean;
}

/** Without the mark of a tombstone. */
export const REVISION_BYTES = 17;
/** Between main and sub, at byte 8. */
export const UNDERSCORE = 0x5f;
export const TOMBSTONE_MARK = 0x74;

/** `undefined` when the bytes are no revision. */
export function parseRevisionKey(key: Buffer): RevisionKey | undefined {
  const isTombstone = key.length === REVISION_BYTES + 1 && key[REVISION_BYTES] === TOMBSTONE_MARK;
  if ((key.length !== REVISION_BYTES && !isTombstone) || key[8] !== UNDERSCORE) return undefined;
  return { main: key.readBigInt64BE(0), sub: key.readBigInt64BE(9), isTombstone };
}
