import { AgentError } from '../base/agent-error.ts';
import { findBucket, readValue, rootBucket, type Bucket } from '../bbolt/bucket.ts';
import { leaves } from '../bbolt/cursor.ts';
import type { PageFile } from '../bbolt/page-file.ts';
import type { TreePage } from '../bbolt/tree-page.ts';
import { parseKeyValue, type KeyValueHead } from './key-value.ts';

/** Which change of the history: the revision, and its place within the transaction of that revision. */
export interface ChangePlace {
  readonly modRevision: number;
  readonly sub: number;
}

/** A change of one key, as the bucket `key` keeps it. */
export interface KeyspaceEntry extends ChangePlace {
  readonly isTombstone: boolean;
  readonly head: KeyValueHead;
  /** What the offsets of `head` are into. */
  readonly bytes: Buffer;
}

interface History {
  /** Changes after it are left out. */
  readonly lastRevision: number;
  /** From the newest to the oldest. */
  readonly isBackwards?: boolean;
}

const REVISION_BYTES = 17;
const UNDERSCORE = 0x5f;
const TOMBSTONE_MARK = 0x74;

/** @throws {AgentError} `SNAPSHOT_NOT_A_DATABASE` when there is no such bucket; what `findBucket` throws. */
export function keyspaceBucket(file: PageFile): Bucket {
  const bucket = findBucket(rootBucket(file), 'key');
  if (bucket !== undefined) return bucket;
  throw new AgentError('SNAPSHOT_NOT_A_DATABASE', 'it has no bucket "key", so etcd did not write it');
}

/**
 * All changes that are kept, those of one page at a time, so that a caller can pause in between.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export function* keyspacePages(bucket: Bucket, history: History): Generator<Iterable<KeyspaceEntry>> {
  const { lastRevision, isBackwards = false } = history;
  const from = changeKey({ modRevision: lastRevision + 1, sub: 0 });
  for (const page of leaves(bucket, isBackwards ? { from, isBackwards } : {})) {
    if (!isBackwards && page.count > 0 && placeOf(page, 0).modRevision > lastRevision) return;
    yield changesOf(page, lastRevision, isBackwards);
  }
}

/**
 * Reads one change again.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED` when it is not there; `FILE_UNREADABLE`.
 */
export function readChange(bucket: Bucket, place: ChangePlace): KeyspaceEntry {
  const bytes = readValue(bucket, changeKey(place));
  if (bytes === undefined) throw damagedChange(place, 'is not there');
  const head = parseKeyValue(bytes);
  if (head === undefined) throw damagedChange(place, 'is no key-value');
  return { modRevision: place.modRevision, sub: place.sub, isTombstone: false, head, bytes };
}

function* changesOf(page: TreePage, lastRevision: number, isBackwards: boolean): Generator<KeyspaceEntry> {
  const { count } = page;
  for (let turn = 0; turn < count; turn += 1) {
    const index = isBackwards ? count - 1 - turn : turn;
    const place = placeOf(page, index);
    if (place.modRevision <= lastRevision) yield changeAt(page, index, place);
  }
}

function changeAt(page: TreePage, index: number, place: ChangePlace): KeyspaceEntry {
  const { bytes } = page;
  const { modRevision, sub } = place;
  const isTombstone = page.keyBytes(index) === REVISION_BYTES + 1;
  const start = page.valueStart(index);
  const head = parseKeyValue(bytes, start, start + page.valueBytes(index));
  if (head === undefined) throw damagedChange(place, 'is no key-value');
  if (!isTombstone && head.modRevision !== modRevision) {
    throw damagedChange(place, `says that it is of revision ${head.modRevision}`);
  }
  return { modRevision, sub, isTombstone, head, bytes };
}

/** How etcd names a change (etcd: server/storage/mvcc/revision.go). */
function placeOf(page: TreePage, index: number): ChangePlace {
  const { bytes } = page;
  const start = page.keyStart(index);
  const length = page.keyBytes(index);
  const isTombstone = length === REVISION_BYTES + 1 && bytes[start + REVISION_BYTES] === TOMBSTONE_MARK;
  const isNamed = (length === REVISION_BYTES || isTombstone) && bytes[start + 8] === UNDERSCORE;
  const modRevision = isNamed ? readNumber(bytes, start) : Infinity;
  const sub = isNamed ? readNumber(bytes, start + 9) : Infinity;
  if (modRevision <= Number.MAX_SAFE_INTEGER && sub <= Number.MAX_SAFE_INTEGER) return { modRevision, sub };
  throw new AgentError(
    'SNAPSHOT_DAMAGED',
    `the keyspace is damaged: 0x${page.key(index).toString('hex', 0, 20)} in page ${page.id} is no revision`,
  );
}

function readNumber(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

function changeKey({ modRevision, sub }: ChangePlace): Buffer {
  const key = Buffer.alloc(REVISION_BYTES, UNDERSCORE);
  key.writeBigInt64BE(BigInt(modRevision), 0);
  key.writeBigInt64BE(BigInt(sub), 9);
  return key;
}

function damagedChange({ modRevision, sub }: ChangePlace, found: string): AgentError {
  return new AgentError(
    'SNAPSHOT_DAMAGED',
    `the keyspace is damaged: change ${sub} of revision ${modRevision} ${found}`,
  );
}
