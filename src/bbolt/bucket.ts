import { damagedPage } from './damage.ts';
import { DEEPEST_LEVEL } from './check-tree.ts';
import type { Finding } from './finding.ts';
import type { Meta } from './meta.ts';
import type { PageFile } from './page-file.ts';
import { allocatePageBytes, TreePage } from './tree-page.ts';

/** A tree of keys. A small one without buckets inside lies *inline*, within the value that names it. */
export interface Bucket {
  readonly file: PageFile;
  readonly root: { readonly page: number } | { readonly inline: TreePage };
}

/** root page and sequence number (bbolt: internal/common/inode.go, bucket.go). */
const BUCKET_HEAD_BYTES = 16;

/** The bucket that holds the named ones. */
export function rootBucket(file: PageFile): Bucket {
  return { file, root: { page: file.meta.rootPage } };
}

/**
 * The bucket `name` inside `parent`, or `undefined`.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export function findBucket(parent: Bucket, name: string): Bucket | undefined {
  const found = seek(parent, Buffer.from(name));
  if (found?.page.isBucket(found.index) !== true) return undefined;
  const { page } = found;
  const decoded = decodeBucket(page.value(found.index), parent.file.meta);
  if (typeof decoded === 'string') throw damagedPage(page.id, decoded);
  if ('page' in decoded) return { file: parent.file, root: { page: decoded.page } };
  const inline = decodeInline(page.id, decoded.inline);
  if (inline instanceof TreePage) return { file: parent.file, root: { inline } };
  throw damagedPage(page.id, inline.message);
}

/**
 * The value of a key, or `undefined` when there is none or it names a bucket.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export function readValue(bucket: Bucket, key: string | Buffer): Buffer | undefined {
  const found = seek(bucket, Buffer.from(key));
  return found === undefined || found.page.isBucket(found.index) ? undefined : found.page.value(found.index);
}

/** The page that a bucket's tree begins with. */
export function readRoot({ file, root }: Bucket): TreePage {
  return 'inline' in root ? root.inline : file.readPage(root.page);
}

/** What the value that names a bucket says: where its tree begins, or its only page. Or what is wrong with it, in words. */
export function decodeBucket(
  value: Buffer,
  { highWaterPage }: Meta,
): { readonly page: number } | { readonly inline: Buffer } | string {
  if (value.length < BUCKET_HEAD_BYTES) return `the head of a bucket in it has ${value.length} bytes`;
  const page = value.readUInt32LE(4) * 2 ** 32 + value.readUInt32LE(0);
  if (page >= highWaterPage) return `a bucket in it begins at page ${page}`;
  return page === 0 ? { inline: value.subarray(BUCKET_HEAD_BYTES) } : { page };
}

/** The index of the last element whose key is not larger; -1 when all are. Wrong order gives a wrong answer, never a hang. */
export function lastNotAfter(page: TreePage, key: Buffer): number {
  let [low, high] = [0, page.count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (page.key(middle).compare(key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The only page of a bucket that lies inline in a value of page `id`; or what is wrong with it. */
export function decodeInline(id: number, value: Buffer): TreePage | Omit<Finding, 'page'> {
  const page = new TreePage();
  // In memory of its own, because numbers are read at multiples of 4.
  const memory = allocatePageBytes(Math.ceil(value.length / 4) * 4);
  value.copy(memory.bytes);
  const wrong = page.judge(id, memory, 0, value.length);
  if (wrong !== undefined) return { kind: wrong.kind, message: `an inline bucket in it: ${wrong.found}` };
  return page.isLeaf ? page : { kind: 'bucket', message: 'an inline bucket in it is a branch' };
}

function seek(bucket: Bucket, key: Buffer): { page: TreePage; index: number } | undefined {
  let page = readRoot(bucket);
  for (let level = 0; level < DEEPEST_LEVEL; level += 1) {
    const index = lastNotAfter(page, key);
    if (page.isLeaf) return index >= 0 && page.key(index).equals(key) ? { page, index } : undefined;
    // Like bbolt: a key before the first child's is looked for in the first child.
    page = bucket.file.readPage(page.child(Math.max(0, index)));
  }
  throw damagedPage(page.id, `it is ${DEEPEST_LEVEL} levels below the root`);
}
