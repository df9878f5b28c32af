import { damagedPage } from './damage.ts';
import type { Database } from './open-database.ts';
import { branchElement, keyAt, leafElement, parsePage, type LeafElement, type Page } from './page.ts';

/** A tree of keys. A small one without buckets inside lies *inline*, within the value that names it. */
export interface Bucket {
  readonly database: Database;
  readonly root: { readonly page: number } | { readonly inline: Page };
}

/** bbolt packs dozens of children into a page: a true tree of this depth would not fit any disk. */
export const DEEPEST_LEVEL = 32;
/** root page and sequence number (bbolt: internal/common/inode.go, bucket.go). */
const BUCKET_HEAD_BYTES = 16;

/** The bucket that holds the named ones. */
export function rootBucket(database: Database): Bucket {
  return { database, root: { page: database.meta.rootPage } };
}

/**
 * The bucket `name` inside `parent`, or `undefined`.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export async function findBucket(parent: Bucket, name: string): Promise<Bucket | undefined> {
  const found = await seek(parent, Buffer.from(name));
  if (found?.element.isBucket !== true) return undefined;
  return bucketOf(parent.database, found.page, found.element.value);
}

/**
 * The value of a key, or `undefined` when there is none or it names a bucket.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export async function readValue(bucket: Bucket, key: string): Promise<Buffer | undefined> {
  const found = await seek(bucket, Buffer.from(key));
  return found === undefined || found.element.isBucket ? undefined : found.element.value;
}

/** The page that a bucket's tree begins with. */
export async function readRoot(bucket: Bucket): Promise<Page> {
  return 'inline' in bucket.root ? bucket.root.inline : await bucket.database.readPage(bucket.root.page);
}

function bucketOf(database: Database, page: number, value: Buffer): Bucket {
  if (value.length < BUCKET_HEAD_BYTES) {
    throw damagedPage(page, `the head of a bucket in it has ${value.length} bytes`);
  }
  const root = value.readBigUInt64LE(0);
  if (root === 0n) {
    const inline = parsePage(value.subarray(BUCKET_HEAD_BYTES), page);
    if (inline.kind === 'branch') throw damagedPage(page, 'an inline bucket in it is a branch');
    return { database, root: { inline } };
  }
  if (root >= BigInt(database.meta.highWaterPage)) {
    throw damagedPage(page, `a bucket in it begins at page ${root.toString()}`);
  }
  return { database, root: { page: Number(root) } };
}

async function seek(
  bucket: Bucket,
  key: Buffer,
): Promise<{ page: number; element: LeafElement } | undefined> {
  let page = await readRoot(bucket);
  for (let level = 0; level < DEEPEST_LEVEL; level += 1) {
    const index = lastNotAfter(page, key);
    if (page.kind === 'leaf') {
      if (index < 0) return undefined;
      const element = leafElement(page, index);
      return element.key.equals(key) ? { page: page.id, element } : undefined;
    }
    // Like bbolt: a key before the first child's is looked for in the first child.
    page = await bucket.database.readPage(branchElement(page, Math.max(0, index)).child);
  }
  throw damagedPage(page.id, `it is ${DEEPEST_LEVEL} levels below the root`);
}

/** The index of the last element whose key is not larger; -1 when all are. Wrong order gives a wrong answer, never a hang. */
function lastNotAfter(page: Page, key: Buffer): number {
  let [low, high] = [0, page.count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyAt(page, middle).compare(key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
