import { createHash } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { findBucket, rootBucket } from '../../src/bbolt/bucket.ts';
import { leaves } from '../../src/bbolt/cursor.ts';
import { openPageFile } from '../../src/bbolt/page-file.ts';
import { parseKeyValue } from '../../src/mvcc/key-value.ts';

/** Where the first child of a page of a tree is named: behind the page's header, the key's offset and its length. */
const FIRST_CHILD_OFFSET = 16 + 8;

/** A database of a real etcd, as `streamed` with its trailer or as `copied` without, unpacked to `to`. */
export async function unpackFixture(
  kind: 'streamed' | 'copied',
  to: string,
  release = '3.4.23',
): Promise<void> {
  const packed = join(import.meta.dirname, '..', 'fixtures', `etcd-${release}`, `${kind}.db.gz`);
  await writeFile(to, gunzipSync(await readFile(packed)));
}

/** Changes one bit of the byte at `position`. */
export async function flipByte(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  await file.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, position);
  await file.close();
}

/** Changes one byte of the branch that the bucket "key" begins with, so that it names another page. */
export async function damageBranch(path: string): Promise<void> {
  await flipByte(path, branchOffset(path) + FIRST_CHILD_OFFSET);
}

function branchOffset(path: string): number {
  using file = openPageFile(path);
  const root = findBucket(rootBucket(file), 'key')?.root;
  if (root === undefined || !('page' in root)) throw new Error(`${path} has no tree of keys`);
  if (file.readPage(root.page).isLeaf) throw new Error(`${path} has too few keys for a branch`);
  return root.page * file.meta.pageSizeBytes;
}

/** Changes one byte of the newest value in the bucket "key": its key-value stays one, with another value. */
export async function damageValue(path: string): Promise<void> {
  await flipByte(path, lastValueOffset(path));
}

function lastValueOffset(path: string): number {
  using file = openPageFile(path);
  const keys = findBucket(rootBucket(file), 'key');
  for (const leaf of keys === undefined ? [] : leaves(keys, { isBackwards: true })) {
    for (let index = leaf.count - 1; index >= 0; index -= 1) {
      const head = parseKeyValue(leaf.value(index));
      if (head === undefined || head.valueEnd === head.valueStart) continue;
      return leaf.id * file.meta.pageSizeBytes + leaf.valueStart(index) + head.valueStart;
    }
  }
  throw new Error(`${path} holds no value`);
}

export async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
