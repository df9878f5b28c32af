import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { findBucket, rootBucket } from '../../../src/bbolt/bucket.ts';
import { entries } from '../../../src/bbolt/cursor.ts';
import { openPageFile, type PageFile } from '../../../src/bbolt/page-file.ts';
import { readKeyspaceFacts } from '../../../src/mvcc/keyspace-facts.ts';
import { Crc32c } from '../../support/crc32c.ts';
import { openTestCatalog } from '../../support/open-catalog.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

// Databases that each version of etcd wrote (`npm run fixtures`), and what its own `snapshot status` said of them.

const NEVER = new AbortController().signal;
const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures');
/** Revision, `_`, sub-revision; then `t` for a tombstone. */
const TOMBSTONE_KEY_BYTES = 18;

interface Kept {
  readonly sizeBytes: number;
  readonly status: {
    readonly hash: number;
    readonly revision: number;
    readonly totalKey: number;
    readonly totalSize: number;
    readonly version?: string;
  };
}

interface Recorded {
  readonly version: string;
  readonly liveKeys: number;
  readonly compactRevision: number;
  readonly leases: number;
  readonly streamed: Kept;
  readonly copied: Kept;
}

const KINDS = ['streamed', 'copied'] as const;

const fixtures = readdirSync(FIXTURES).flatMap((name) => {
  const text = readFileSync(join(FIXTURES, name, 'recorded.json'), 'utf8');
  const recorded = JSON.parse(text) as Recorded;
  return KINDS.map((kind) => ({
    name: `${kind} from etcd ${recorded.version}`,
    recorded,
    kind,
    kept: recorded[kind],
    packed: join(FIXTURES, name, `${kind}.db.gz`),
  }));
});

async function unpacked(packed: string, directory: string): Promise<string> {
  const path = join(directory, 'fixture.db');
  await writeFile(path, gunzipSync(await readFile(packed)));
  return path;
}

/** What `snapshot status` adds up: names of buckets, keys and values in their order; and how many entries there are. */
function walkAll(database: PageFile): { hash: number; entryCount: number } {
  const crc = new Crc32c();
  let entryCount = 0;
  const root = rootBucket(database);
  for (const { key: name } of entries(root)) {
    crc.add(name);
    const bucket = findBucket(root, name.toString());
    if (bucket === undefined) throw new Error(`${name.toString()} is no bucket`);
    for (const { key, value } of entries(bucket)) {
      crc.add(key);
      crc.add(value);
      entryCount += 1;
    }
  }
  return { hash: crc.value, entryCount };
}

/** Keys whose last revision is not a tombstone. */
function countLiveKeys(database: PageFile): number {
  const bucket = findBucket(rootBucket(database), 'key');
  if (bucket === undefined) throw new Error('no keyspace');
  const live = new Set<string>();
  for (const { key, value } of entries(bucket)) {
    // mvccpb.KeyValue: field 1 is the key, and shorter than 128 bytes here.
    const name = value.toString('latin1', 2, 2 + (value[1] ?? 0));
    if (key.length === TOMBSTONE_KEY_BYTES) live.delete(name);
    else live.add(name);
  }
  return live.size;
}

test('there is a fixture of every minor release', () => {
  const minors = new Set(fixtures.map(({ recorded }) => recorded.version.replace(/\.\d+$/, '')));
  expect([...minors]).toEqual(expect.arrayContaining(['3.4', '3.5', '3.6', '3.7']));
});

describe.each(fixtures)('a database $name', ({ recorded, kind, kept, packed }) => {
  test('is read as its own tool read it, to the last byte', async () => {
    await using scratch = await temporaryDirectory();
    using database = openPageFile(await unpacked(packed, scratch.path));
    const { status } = kept;

    const { hash, entryCount } = walkAll(database);
    const liveKeys = countLiveKeys(database);
    const facts = readKeyspaceFacts(database);

    expect(hash).toBe(status.hash);
    // The tools of 3.4 and 3.5 count entries of any kind, those of 3.6 and 3.7 live keys.
    const countsEntries = /^3\.[45]\./.test(recorded.version);
    expect(status.totalKey).toBe(countsEntries ? entryCount : liveKeys);
    expect(liveKeys).toBe(recorded.liveKeys);
    expect(facts).toMatchObject({
      revision: status.revision,
      compactRevision: recorded.compactRevision,
      leaseCount: recorded.leases,
      alarms: [],
      authEnabled: false,
    });
    expect(facts.storageVersion ?? '').toBe(status.version ?? '');
  });

  test('is imported and verified', async () => {
    await using place = await openTestCatalog();
    const path = await unpacked(packed, place.scratch);

    const manifest = await place.catalog.importFile(path, {}, NEVER);

    expect(manifest).toMatchObject({
      grade: kind === 'streamed' ? 'hashed' : 'raw',
      hasTrailer: kind === 'streamed',
      sizeBytes: kept.sizeBytes,
      revision: kept.status.revision,
    });
    expect(await place.catalog.verify(manifest.id, NEVER)).toMatchObject({ grade: manifest.grade });
  });
});
