/**
 * How etcd names an entry in the bucket `key` (etcd: server/storage/mvcc/revision.go): main, `_`, sub, and `t` on a tombstone. It is read
 * for millions of them: with numbers instead of big integers.
 */
export interface RevisionKey {
  readonly main: number;
  readonly isTombstone: boolean;
}

/** Without the mark of a tombstone. */
const REVISION_BYTES = 17;
const SEPARATOR_AT = 8;
const SUB_AT = 9;
const UNDERSCORE = 0x5f;
const TOMBSTONE_MARK = 0x74;

/** `undefined` for bytes that are no revision, or one beyond 2^53 - 1. */
export function parseRevisionKey(bytes: Buffer, start = 0, length = bytes.length): RevisionKey | undefined {
  const isTombstone = length === REVISION_BYTES + 1 && bytes[start + REVISION_BYTES] === TOMBSTONE_MARK;
  if ((length !== REVISION_BYTES && !isTombstone) || bytes[start + SEPARATOR_AT] !== UNDERSCORE)
    return undefined;
  const main = readNumber(bytes, start);
  return main <= Number.MAX_SAFE_INTEGER ? { main, isTombstone } : undefined;
}

/** Of a revision that begins at `start`: its place within the transaction. Not exact beyond 2^53. */
export function subRevisionAt(bytes: Buffer, start: number): number {
  return readNumber(bytes, start + SUB_AT);
}

/** The name of a change that is no tombstone. */
export function revisionKeyOf(main: number, sub: number): Buffer {
  const key = Buffer.alloc(REVISION_BYTES, UNDERSCORE);
  key.writeBigInt64BE(BigInt(main), 0);
  key.writeBigInt64BE(BigInt(sub), SUB_AT);
  return key;
}

function readNumber(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
