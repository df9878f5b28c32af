import { fnv1a64 } from './fnv.ts';

/** One state of the database: where its tree begins, and how far its pages reach (bbolt: internal/common/meta.go). */
export interface Meta {
  readonly pageSizeBytes: number;
  readonly rootPage: number;
  /** The first page that is not in use: all of the database lies before it. */
  readonly highWaterPage: number;
  /** Where the list of free pages is. etcd does not write one: `undefined`. */
  readonly freelistPage: number | undefined;
  /** The transaction that wrote it. The larger of two valid ones is the state of the file. */
  readonly transactionId: bigint;
}

/** bbolt takes the page size of the machine that made the file. */
export const PAGE_SIZES = [4096, 8192, 16384, 32768, 65536] as const;
/** A page's header, and the meta behind it. */
export const META_PAGE_BYTES = 16 + 64;

const MAGIC = 0xed0cdaed;
const VERSION = 2;
const META_OFFSET = 16;
/** All of the meta but the checksum at its end. */
const CHECKED_BYTES = 56;
const NO_FREELIST = 0xffff_ffff_ffff_ffffn;

/** Whether the page at `offset` begins like a meta, valid or not. */
export function looksLikeMeta(head: Buffer, offset: number): boolean {
  const at = offset + META_OFFSET;
  return head.length >= at + 4 && head.readUInt32LE(at) === MAGIC;
}

/** The meta of the page at `offset`, or what is wrong with it, in words. */
export function readMeta(head: Buffer, offset: number): Meta | string {
  if (head.length < offset + META_PAGE_BYTES) return `the file ends at byte ${head.length}`;
  const bytes = head.subarray(offset + META_OFFSET, offset + META_PAGE_BYTES);
  const magic = bytes.readUInt32LE(0);
  if (magic !== MAGIC) return `the magic number is 0x${magic.toString(16)}`;
  const version = bytes.readUInt32LE(4);
  if (version !== VERSION) return `the format version is ${version}`;
  const [computed, stored] = [
    fnv1a64(bytes.subarray(0, CHECKED_BYTES)),
    bytes.readBigUInt64LE(CHECKED_BYTES),
  ];
  if (computed !== stored)
    return `the checksum is 0x${computed.toString(16)}, the page says 0x${stored.toString(16)}`;
  return checkValues(bytes);
}

function checkValues(bytes: Buffer): Meta | string {
  const pageSizeBytes = bytes.readUInt32LE(8);
  if (!PAGE_SIZES.some((size) => size === pageSizeBytes)) return `the page size is ${pageSizeBytes}`;
  const [root, freelist, highWater] = [16, 32, 40].map((at) => bytes.readBigUInt64LE(at)) as [
    bigint,
    bigint,
    bigint,
  ];
  // Beyond this a byte offset would no longer be an exact number; no file is that large.
  const limit = BigInt(Number.MAX_SAFE_INTEGER) / BigInt(pageSizeBytes);
  if (highWater > limit) return `it claims ${highWater.toString()} pages`;
  if (root < 2n || root >= highWater) return `its root is page ${root.toString()} of ${highWater.toString()}`;
  return {
    pageSizeBytes,
    rootPage: Number(root),
    highWaterPage: Number(highWater),
    freelistPage: freelist === NO_FREELIST ? undefined : Number(freelist),
    transactionId: bytes.readBigUInt64LE(48),
  };
}
