import { appendFile, truncate } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { findBucket, readValue, rootBucket, type Bucket } from '../../../src/bbolt/bucket.ts';
import { entries, lastKey } from '../../../src/bbolt/cursor.ts';
import { openPageFile } from '../../../src/bbolt/page-file.ts';
import { bucketAt, DatabaseImage, inlineBucket } from './database-image.ts';
import { freshPaths } from './fresh-path.ts';

const freshPath = freshPaths();

async function withDatabase<T>(image: DatabaseImage, look: (root: Bucket) => T): Promise<T> {
  using database = openPageFile(await image.writeTo(freshPath()));
  return look(rootBucket(database));
}

function keysOf(bucket: Bucket): string[] {
  return [...entries(bucket)].map(({ key }) => key.toString());
}

/** Root page 2 is a leaf that names the bucket `tree`, which begins at page 3. */
function treeImage(pages: number): DatabaseImage {
  return new DatabaseImage(pages).leaf(2, [['tree', bucketAt(3), 'bucket']]);
}

function tree(root: Bucket): Bucket {
  const found = findBucket(root, 'tree');
  if (found === undefined) throw new Error('no tree');
  return found;
}

function readAll(root: Bucket): string[] {
  return keysOf(tree(root));
}

describe('a bucket', () => {
  const image = treeImage(8)
    .branch(3, [
      ['b', 4],
      ['m', 5],
    ])
    .leaf(4, [
      ['b', '1'],
      ['c', '2'],
    ])
    .leaf(5, [
      ['m', '3'],
      ['small', inlineBucket([['x', '9']]), 'bucket'],
      ['z', '4'],
    ]);

  test('gives its keys in order, and the last of them', async () => {
    const seen = await withDatabase(image, (root) => {
      const bucket = tree(root);
      return { keys: keysOf(bucket), last: lastKey(bucket)?.toString() };
    });

    expect(seen).toEqual({ keys: ['b', 'c', 'm', 'small', 'z'], last: 'z' });
  });

  test('gives the value of each key, and none for a key that is absent or names a bucket', async () => {
    const values = await withDatabase(image, (root) => {
      const bucket = tree(root);
      const found: (string | undefined)[] = [];
      for (const key of ['b', 'c', 'm', 'z', 'a', 'bb', 'zz', 'small']) {
        found.push(readValue(bucket, key)?.toString());
      }
      return found;
    });

    expect(values).toEqual(['1', '2', '3', '4', undefined, undefined, undefined, undefined]);
  });

  test('may lie within another, inline or with pages of its own', async () => {
    const found = await withDatabase(image, (root) => {
      const small = findBucket(tree(root), 'small');
      if (small === undefined) return undefined;
      return [keysOf(small), lastKey(small)?.toString(), readValue(small, 'x')?.toString()];
    });

    expect(found).toEqual([['x'], 'x', '9']);
    expect(await withDatabase(image, (root) => findBucket(root, 'absent'))).toBeUndefined();
  });

  test('may be empty', async () => {
    const empty = treeImage(4).leaf(3, []);

    expect(await withDatabase(empty, readAll)).toEqual([]);
    expect(await withDatabase(empty, (root) => lastKey(tree(root)))).toBeUndefined();
  });

  test('may have a value that continues over several pages, and the file bytes behind its last page', async () => {
    const value = 'v'.repeat(9000);
    const path = await treeImage(6)
      .leaf(3, [['long', value]], 2)
      .writeTo(freshPath());
    await appendFile(path, Buffer.alloc(32, 1));
    using database = openPageFile(path);

    expect(readValue(tree(rootBucket(database)), 'long')?.toString()).toBe(value);
  });
});

describe('damage is told with its page', () => {
  test.each<[string, DatabaseImage, number]>([
    ['a branch that is its own child', treeImage(4).branch(3, [['a', 3]]), 3],
    [
      'two branches that are each other’s child',
      treeImage(5)
        .branch(3, [['a', 4]])
        .branch(4, [['a', 3]]),
      4,
    ],
    [
      'a leaf that is reached twice',
      treeImage(5)
        .branch(3, [
          ['a', 4],
          ['b', 4],
        ])
        .leaf(4, [['a', '']]),
      4,
    ],
    ['a child beyond the end', treeImage(4).branch(3, [['a', 4]]), 4],
    ['a child that is a meta page', treeImage(4).branch(3, [['a', 1]]), 1],
    ['a child beyond every file', treeImage(4).branch(3, [['a', 2n ** 64n - 1n]]), 3],
    ['a branch without children', treeImage(4).branch(3, []), 3],
    [
      'keys out of order',
      treeImage(4).leaf(3, [
        ['b', ''],
        ['a', ''],
      ]),
      3,
    ],
    [
      'a key that is there twice',
      treeImage(4).leaf(3, [
        ['a', ''],
        ['a', ''],
      ]),
      3,
    ],
    ['a page of zeros', treeImage(4), 3],
    ['a bucket beyond the end', new DatabaseImage(3).leaf(2, [['tree', bucketAt(2n ** 63n), 'bucket']]), 2],
    ['a bucket whose head is too short', new DatabaseImage(3).leaf(2, [['tree', 'short', 'bucket']]), 2],
    [
      'an inline bucket that is cut off',
      new DatabaseImage(3).leaf(2, [['tree', Buffer.alloc(20), 'bucket']]),
      2,
    ],
    ['more elements than fit', patched(3, 10, [0xff, 0xff]), 3],
    ['a key that is not inside its page', patched(3, 16 + 4, [0xff, 0xff, 0xff, 0xff]), 3],
    ['a value that is not inside its page', patched(3, 16 + 12, [0xff, 0xff, 0xff, 0x7f]), 3],
    ['a key that lies over the elements', patched(3, 16 + 4, [0, 0, 0, 0]), 3],
    ['an element of an unknown kind', patched(3, 16, [2]), 3],
    ['a page that says that it is another', patched(3, 0, [9]), 3],
    ['pages that continue beyond the end', patched(3, 12, [1]), 3],
    ['pages that continue beyond all memory', patched(3, 12, [0xff, 0xff, 0xff, 0xff]), 3],
  ])('%s', async (_, image, page) => {
    await expect(withDatabase(image, readAll)).rejects.toMatchObject({
      code: 'SNAPSHOT_DAMAGED',
      details: { page },
    });
  });

  test('a tree that would take for ever to walk ends', async () => {
    // Each level leads to the next twice, and the leaf has no key that could be out of order.
    const image = treeImage(40);
    for (let page = 3; page < 33; page += 1)
      image.branch(page, [
        ['a', page + 1],
        ['b', page + 1],
      ]);
    image.leaf(33, []);

    await expect(withDatabase(image, readAll)).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
  });

  test('the search for one key, or for the last, ends too', async () => {
    const image = treeImage(4).branch(3, [['a', 3]]);

    await expect(withDatabase(image, (root) => lastKey(tree(root)))).rejects.toMatchObject({
      code: 'SNAPSHOT_DAMAGED',
    });
    await expect(withDatabase(image, (root) => readValue(tree(root), 'b'))).rejects.toMatchObject({
      code: 'SNAPSHOT_DAMAGED',
    });
  });

  test('a file that is cut while it is open', async () => {
    const path = await treeImage(4)
      .leaf(3, [['a', '']])
      .writeTo(freshPath());
    using database = openPageFile(path);
    await truncate(path, 3 * 4096 + 100);

    expect(() => readAll(rootBucket(database))).toThrow(
      expect.objectContaining({ code: 'SNAPSHOT_DAMAGED' }) as Error,
    );
  });
});

function patched(page: number, offset: number, bytes: number[]): DatabaseImage {
  const image = treeImage(4).leaf(page, [['a', '1']]);
  image.bytes.set(bytes, page * image.pageSizeBytes + offset);
  return image;
}
