import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rootBucket } from '../../../src/bbolt/bucket.ts';
import { lastKey } from '../../../src/bbolt/cursor.ts';
import { fnv1a64 } from '../../../src/bbolt/fnv.ts';
import { decodeMetaPages, readMetaPages, sameMeta } from '../../../src/bbolt/meta-pages.ts';
import { openPageFile } from '../../../src/bbolt/page-file.ts';
import { DatabaseImage } from './database-image.ts';
import { freshPaths } from './fresh-path.ts';

const freshPath = freshPaths();

async function lastKeyOf(image: DatabaseImage): Promise<string | undefined> {
  using database = openPageFile(await image.writeTo(freshPath()));
  return lastKey(rootBucket(database))?.toString();
}

test('the checksum is that of FNV-1a', () => {
  // From the authors' own test vectors.
  expect(fnv1a64(Buffer.from(''))).toBe(0xcbf29ce484222325n);
  expect(fnv1a64(Buffer.from('foobar'))).toBe(0x85944171f73967e8n);
});

describe('the state of a database', () => {
  test.each([4096, 8192, 16384, 32768, 65536])(
    'is found at a page size of %i, also when the first meta page is torn',
    async (pageSizeBytes) => {
      const image = new DatabaseImage(3, pageSizeBytes).leaf(2, [['a', '1']]);
      expect(await lastKeyOf(image)).toBe('a');

      image.bytes.fill(0xff, 0, 1024);
      expect(await lastKeyOf(image)).toBe('a');
    },
  );

  test('is the one of the newest valid meta', async () => {
    const image = new DatabaseImage(4)
      .leaf(2, [['old', '']])
      .leaf(3, [['new', '']])
      .meta(0, 8n, { rootPage: 3n })
      .meta(1, 7n, { rootPage: 2n });
    expect(await lastKeyOf(image)).toBe('new');

    image.bytes.writeUInt8(image.bytes.readUInt8(16 + 56) ^ 1, 16 + 56);
    expect(await lastKeyOf(image)).toBe('old');
  });

  test('is told from a stream as soon as there is enough of it', () => {
    const { bytes } = new DatabaseImage(3);

    expect(decodeMetaPages(bytes.subarray(0, 100))).toBeUndefined();
    expect(decodeMetaPages(bytes.subarray(0, 8191))).toBeUndefined();
    expect(decodeMetaPages(bytes)).toMatchObject({
      newest: { pageSizeBytes: 4096, rootPage: 2, highWaterPage: 3, transactionId: 2n },
      bytes: bytes.subarray(0, 8192),
    });
  });

  test('moved when either meta changed, and not when only free space behind them did', async () => {
    const image = new DatabaseImage(3).leaf(2, []);
    const path = await image.writeTo(freshPath());
    const before = await readMetaPages(path);

    image.bytes.fill(7, 200, 4096);
    await image.writeTo(path);
    expect(sameMeta(before, await readMetaPages(path))).toBe(true);

    await image.meta(0, 3n).writeTo(path);
    expect(sameMeta(before, await readMetaPages(path))).toBe(false);
  });
});

describe('a file is refused', () => {
  test.each<[string, (image: DatabaseImage) => unknown, string]>([
    ['that is empty', () => Buffer.alloc(0), 'SNAPSHOT_NOT_A_DATABASE'],
    ['of text', () => Buffer.from('# a shell script\n'.repeat(1000)), 'SNAPSHOT_NOT_A_DATABASE'],
    ['that ends inside the first page', ({ bytes }) => bytes.subarray(0, 3000), 'SNAPSHOT_DAMAGED'],
    ['that lacks its last byte', ({ bytes }) => bytes.subarray(0, -1), 'SNAPSHOT_DAMAGED'],
    [
      'with both metas broken',
      ({ bytes }) =>
        Buffer.from(bytes)
          .fill(0, 16 + 56, 16 + 64)
          .fill(0, 4096 + 72, 4096 + 80),
      'SNAPSHOT_DAMAGED',
    ],
    ['of another format version', ({ bytes }) => otherVersion(bytes), 'SNAPSHOT_DAMAGED'],
    [
      'whose root is out of range',
      (image) => image.meta(0, 5n, { rootPage: 3n }).meta(1, 6n, { rootPage: 3n }).bytes,
      'SNAPSHOT_DAMAGED',
    ],
    [
      'that claims more pages than a file can have',
      (image) =>
        image.meta(0, 5n, { highWaterPage: 2n ** 60n }).meta(1, 6n, { highWaterPage: 2n ** 60n }).bytes,
      'SNAPSHOT_DAMAGED',
    ],
  ])('%s', async (_, make, code) => {
    const path = freshPath();
    await writeFile(path, make(new DatabaseImage(3).leaf(2, [])) as Buffer);

    expect(() => openPageFile(path)).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('that is not there, or is a directory', () => {
    const unreadable = expect.objectContaining({ code: 'FILE_UNREADABLE' }) as Error;
    expect(() => openPageFile(freshPath())).toThrow(unreadable);
    expect(() => openPageFile(dirname(freshPath()))).toThrow(unreadable);
  });
});

function otherVersion(bytes: Buffer): Buffer {
  for (const at of [16, 4096 + 16]) {
    bytes.writeUInt32LE(3, at + 4);
    bytes.writeBigUInt64LE(fnv1a64(bytes.subarray(at, at + 56)), at + 56);
  }
  return bytes;
}
