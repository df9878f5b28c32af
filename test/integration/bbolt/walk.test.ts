import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findBucket, rootBucket } from '../../../src/bbolt/bucket.ts';
import { entries, lastKey } from '../../../src/bbolt/cursor.ts';
import { openPageFile } from '../../../src/bbolt/page-file.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { putMany } from '../../support/put-many.ts';
import { outcomeOf } from '../../support/outcome-of.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let snapshot: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  snapshot = join(directory.path, 'snapshot.db');
  await using etcd = await startEtcd();
  await putMany(etcd, 600, 300);
  await putMany(etcd, 1, 1_000_000);
  await etcd.ctl('snapshot', 'save', snapshot);
});

afterAll(async () => {
  await directory[Symbol.asyncDispose]();
});

/** Every bucket with its number of entries, its largest value in bytes and its last key in hex. */
function walk(path: string): Record<string, { count: number; largest: number; last: string }> {
  using database = openPageFile(path);
  const root = rootBucket(database);
  const seen: Record<string, { count: number; largest: number; last: string }> = {};
  for (const { key } of entries(root)) {
    const name = key.toString();
    const bucket = findBucket(root, name);
    if (bucket === undefined) continue;
    const found = { count: 0, largest: 0, last: lastKey(bucket)?.toString('hex') ?? '' };
    for (const { value } of entries(bucket)) {
      found.count += 1;
      found.largest = Math.max(found.largest, value.length);
    }
    seen[name] = found;
  }
  return seen;
}

test("every entry of etcd's own file is found, values over many pages included", () => {
  const seen = walk(snapshot);

  expect(Object.keys(seen)).toEqual(expect.arrayContaining(['alarm', 'auth', 'key', 'lease', 'meta']));
  expect(seen['key']).toMatchObject({ count: 601, last: '000000000000025a5f0000000000000000' });
  expect(seen['key']?.largest).toBeGreaterThan(1_000_000);
});

test('a walk over a damaged file ends, and says what is damaged', async () => {
  // The tree is in the pages that are not the long value: flips there would find nothing to break.
  const original = await readFile(snapshot);
  const path = join(directory.path, 'flipped.db');
  const pages = Array.from({ length: Math.floor(original.length / 4096) }, (_, page) => page * 4096).filter(
    (at) => !original.subarray(at, at + 4096).every((byte) => byte === 0x76),
  );
  const flip = fc.tuple(fc.constantFrom(...pages), fc.nat(200), fc.integer({ min: 1, max: 255 }));
  const outcomes = new Map<string, number>();

  await fc.assert(
    fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 8 }), async (flips) => {
      const bytes = Buffer.from(original);
      for (const [at, offset, mask] of flips)
        bytes.writeUInt8(bytes.readUInt8(at + offset) ^ mask, at + offset);
      await writeFile(path, bytes);
      const outcome = outcomeOf(() => walk(path));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      return ['read', 'SNAPSHOT_DAMAGED', 'SNAPSHOT_NOT_A_DATABASE'].includes(outcome);
    }),
    { numRuns: 300 },
  );
  expect(outcomes.get('SNAPSHOT_DAMAGED')).toBeGreaterThan(100);
});
