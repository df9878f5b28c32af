import { copyFile, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, afterAll, expect, test } from 'vitest';
import { connectEtcd } from '../../../src/etcd/client.ts';
import { saveStream } from '../../../src/backup/save-stream.ts';
import { hashFile } from '../../../src/base/hash-file.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { SnapshotManifest } from '../../../src/formats/snapshot-manifest.ts';
import { flipByte } from '../../support/damage.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { openTestCatalog } from '../../support/open-catalog.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const REVISION = 3;

/** One real snapshot with its trailer, and the same database without it. */
let originals: { path: string } & AsyncDisposable;
let streamed: string;
let copied: string;

beforeAll(async () => {
  originals = await temporaryDirectory();
  await using member = await startEtcd();
  const etcd = connectEtcd({ endpoint: member.endpoint, requestTimeoutMs: 5000 });
  await etcd.put({ key: 'a', value: '1' }, NEVER);
  await etcd.put({ key: 'b', value: '2' }, NEVER);
  streamed = join(originals.path, 'streamed.db');
  copied = join(originals.path, 'copied.db');
  const options = { stallMs: 20_000, clock: systemClock, signal: NEVER };
  const { sizeBytes } = await saveStream(etcd.snapshot(NEVER), streamed, options);
  await copyFile(streamed, copied);
  await truncate(copied, sizeBytes - 32);
  etcd.close();
});

afterAll(async () => {
  await originals[Symbol.asyncDispose]();
});

test('an imported file with a trailer is proved by it', async () => {
  await using place = await openTestCatalog();

  const manifest = await place.catalog.importFile(streamed, { reason: 'from the old cluster' }, NEVER);

  expect(manifest).toMatchObject({
    kind: 'imported',
    grade: 'hashed',
    hasTrailer: true,
    revision: REVISION,
    trigger: 'import',
    agent: 'host-a',
    note: 'from the old cluster',
  });
  expect(await readFile(place.catalog.pathOf(manifest.id))).toEqual(await readFile(streamed));
  expect(await place.catalog.get(manifest.id)).toEqual(manifest);
});

test('an imported file without a trailer is proved by its structure, and stays unproved', async () => {
  await using place = await openTestCatalog();

  const manifest = await place.catalog.importFile(copied, {}, NEVER);

  expect(manifest).toMatchObject({ grade: 'raw', hasTrailer: false, revision: REVISION });
  expect(manifest.proofs).toMatchObject([{ grade: 'raw', by: 'structure walked at import' }]);
  await expect(place.catalog.get('latest')).rejects.toMatchObject({ code: 'SNAPSHOT_UNKNOWN' });
});

test('an old file does not become the latest by being imported today', async () => {
  await using place = await openTestCatalog();
  const lastYear = join(place.scratch, 'old.db');
  await copyFile(streamed, lastYear);
  await utimes(lastYear, new Date('2025-01-02T03:04:05Z'), new Date('2025-01-02T03:04:05Z'));
  const recent = await place.catalog.importFile(streamed, {}, NEVER);

  const old = await place.catalog.importFile(lastYear, {}, NEVER);

  expect(old.takenAt).toBe('2025-01-02T03:04:05.000Z');
  expect(old.id).toMatch(/^20250102T030405Z-/);
  expect((await place.catalog.list()).map(({ id }) => id)).toEqual([recent.id, old.id]);
  expect((await place.catalog.get('latest')).id).toBe(recent.id);
});

test('a file that is not sound is refused with the reason, and nothing is kept', async () => {
  await using place = await openTestCatalog();
  const broken = {
    SNAPSHOT_HASH_MISMATCH: join(place.scratch, 'flipped.db'),
    SNAPSHOT_TRUNCATED: join(place.scratch, 'cut.db'),
    SNAPSHOT_DAMAGED: join(place.scratch, 'short.db'),
    SNAPSHOT_NOT_A_DATABASE: join(place.scratch, 'text.db'),
    FILE_UNREADABLE: join(place.scratch, 'absent.db'),
  };
  await copyFile(streamed, broken.SNAPSHOT_HASH_MISMATCH);
  await flipByte(broken.SNAPSHOT_HASH_MISMATCH, 10_000);
  await copyFile(streamed, broken.SNAPSHOT_TRUNCATED);
  await truncate(broken.SNAPSHOT_TRUNCATED, 12_345);
  await copyFile(streamed, broken.SNAPSHOT_DAMAGED);
  await truncate(broken.SNAPSHOT_DAMAGED, 8192);
  await writeFile(broken.SNAPSHOT_NOT_A_DATABASE, 'x'.repeat(4096));

  for (const [code, path] of Object.entries(broken)) {
    await expect(place.catalog.importFile(path, {}, NEVER)).rejects.toMatchObject({ code });
  }

  expect(await place.catalog.list()).toEqual([]);
  expect((await readdir(place.catalog.directory)).sort()).toEqual(['incoming', 'lock']);
});

test('an import that is cancelled keeps nothing', async () => {
  await using place = await openTestCatalog();
  const abort = new AbortController();
  const onBytes = (): void => {
    abort.abort();
  };

  await expect(place.catalog.importFile(streamed, { onBytes }, abort.signal)).rejects.toThrow('abort');

  expect((await readdir(place.catalog.directory)).sort()).toEqual(['incoming', 'lock']);
});

test('a sound snapshot is verified again and says when', async () => {
  await using place = await openTestCatalog();
  const { id } = await place.catalog.importFile(streamed, {}, NEVER);
  const seen: number[] = [];

  const verified = await place.catalog.verify(id, NEVER, (bytes) => void seen.push(bytes));

  expect(verified.grade).toBe('hashed');
  expect(verified.proofs).toHaveLength(2);
  expect(seen.at(-1)).toBe(verified.sizeBytes);
  expect(await place.catalog.get(id)).toEqual(verified);
});

test.each([
  ['a byte that changed in the database', (path: string) => flipByte(path, 9000)],
  [
    'a byte that changed in the trailer',
    async (path: string) => {
      await flipByte(path, (await stat(path)).size - 1);
    },
  ],
  [
    'a byte that is missing',
    async (path: string) => {
      await truncate(path, (await stat(path)).size - 1);
    },
  ],
  ['a file that is gone', (path: string) => rm(path)],
])('%s makes the snapshot failed for good, and it is not offered', async (_what, damage) => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const { id } = await catalog.importFile(streamed, {}, NEVER);
  const sound = await readFile(catalog.pathOf(id));
  await damage(catalog.pathOf(id));

  await expect(catalog.verify(id, NEVER)).rejects.toMatchObject({ code: 'SNAPSHOT_HASH_MISMATCH' });

  expect(await catalog.get(id)).toMatchObject({ grade: 'failed' });
  await expect(catalog.get('latest')).rejects.toMatchObject({ code: 'SNAPSHOT_UNKNOWN' });
  await writeFile(catalog.pathOf(id), sound);
  expect(await catalog.verify(id, NEVER)).toMatchObject({ grade: 'failed' });
  expect(await catalog.recordProof(id, { grade: 'booted', by: 'a drill' })).toMatchObject({
    grade: 'booted',
  });
});

test('an exported file is the stored one, whole', async () => {
  await using place = await openTestCatalog();
  const { id } = await place.catalog.importFile(streamed, {}, NEVER);
  const to = join(place.scratch, 'exported.db');

  await place.catalog.exportFile(id, to, NEVER);

  expect(await readFile(to)).toEqual(await readFile(streamed));
  expect((await readdir(place.scratch)).sort()).toEqual(['exported.db', 'snapshots']);
});

test('an export to where the agent may not write is refused, and says so', async () => {
  await using place = await openTestCatalog();
  const { id } = await place.catalog.importFile(streamed, {}, NEVER);
  const absent = join(place.scratch, 'absent');

  await expect(place.catalog.exportFile(id, join(absent, 'exported.db'), NEVER)).rejects.toMatchObject({
    code: 'EXPORT_TARGET_UNWRITABLE',
    message: expect.stringContaining(absent) as string,
  });
});

test('an export replaces nothing', async () => {
  await using place = await openTestCatalog();
  const { id } = await place.catalog.importFile(streamed, {}, NEVER);
  const to = join(place.scratch, 'exported.db');
  await writeFile(to, 'precious');

  await expect(place.catalog.exportFile(id, to, NEVER)).rejects.toMatchObject({
    code: 'EXPORT_TARGET_EXISTS',
  });

  expect(await readFile(to, 'utf8')).toBe('precious');
});

test('a damaged snapshot is not exported, and is known to be damaged afterwards', async () => {
  await using place = await openTestCatalog();
  const { id } = await place.catalog.importFile(streamed, {}, NEVER);
  await flipByte(place.catalog.pathOf(id), 9000);

  await expect(place.catalog.exportFile(id, join(place.scratch, 'out.db'), NEVER)).rejects.toMatchObject({
    code: 'SNAPSHOT_HASH_MISMATCH',
  });

  expect(await readdir(place.scratch)).toEqual(['snapshots']);
  expect(await place.catalog.get(id)).toMatchObject({ grade: 'failed' });
});

test('the newest proved snapshot is removed only by force, and one in use not at all', async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const { id } = await catalog.importFile(streamed, {}, NEVER);
  const unproved = await catalog.importFile(copied, {}, NEVER);

  await catalog.remove(unproved.id, { force: false });
  await expect(catalog.remove(unproved.id, { force: true })).rejects.toMatchObject({
    code: 'SNAPSHOT_UNKNOWN',
  });
  await expect(catalog.remove(id, { force: false })).rejects.toMatchObject({ code: 'SNAPSHOT_LAST_PROVED' });
  const reader = catalog.use(id);
  await expect(catalog.remove(id, { force: true })).rejects.toMatchObject({ code: 'SNAPSHOT_IN_USE' });
  reader[Symbol.dispose]();
  await catalog.remove(id, { force: true });

  expect(await catalog.list()).toEqual([]);
});

test('proofs that arrive at the same time are all kept', async () => {
  await using place = await openTestCatalog();
  const { id } = await place.catalog.importFile(streamed, {}, NEVER);

  await Promise.all(
    ['one', 'two', 'three', 'four'].map((by) => place.catalog.recordProof(id, { grade: 'hashed', by })),
  );

  const { proofs } = await place.catalog.get(id);
  expect(proofs.map(({ by }) => by)).toEqual(expect.arrayContaining(['one', 'two', 'three', 'four']));
});

test('retention leaves what is being read, and takes it the next time', async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const older = await adopted(place, '1');
  const newer = await adopted(place, '2');
  const reader = catalog.use(older.id);

  expect(await catalog.removeExpired({ keep: 1 })).toEqual([]);
  reader[Symbol.dispose]();
  expect(await catalog.removeExpired({ keep: 1 })).toEqual([older.id]);
  expect((await catalog.list()).map(({ id }) => id)).toEqual([newer.id]);
});

test('a file fetched from a peer keeps its ID, and a second fetch changes nothing', async () => {
  await using place = await openTestCatalog();
  const manifest = await adopted(place, '7');

  expect(await adopted(place, '7')).toEqual(manifest);

  expect(await place.catalog.list()).toEqual([manifest]);
  expect(await readdir(join(place.catalog.directory, 'incoming'))).toEqual([]);
});

test("a peer's sound copy replaces one that failed here", async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const { id } = await adopted(place, '7');
  await flipByte(catalog.pathOf(id), 100);
  await expect(catalog.verify(id, NEVER)).rejects.toMatchObject({ code: 'SNAPSHOT_HASH_MISMATCH' });

  await adopted(place, '7');

  expect(await catalog.verify(id, NEVER)).toMatchObject({ grade: 'hashed' });
});

test('what a peer announced otherwise, or calls failed itself, is not taken', async () => {
  await using place = await openTestCatalog();
  const manifest = await manifestOf('7');
  const path = place.catalog.incomingPath(manifest.id);
  await copyFile(streamed, path);

  await expect(
    place.catalog.adoptFile({ ...manifest, sizeBytes: manifest.sizeBytes + 1 }, path, NEVER),
  ).rejects.toMatchObject({ code: 'STORAGE_CORRUPTED' });
  await expect(place.catalog.adoptFile({ ...manifest, grade: 'failed' }, path, NEVER)).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
  });
  await adopted(place, '7');
  await copyFile(streamed, path);
  await expect(
    place.catalog.adoptFile({ ...manifest, sha256: 'cd'.repeat(32) }, path, NEVER),
  ).rejects.toMatchObject({ code: 'STORAGE_TAKEN' });
});

test('a snapshot whose manifest is damaged is shown as such and can be removed', async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const { id } = await catalog.importFile(streamed, {}, NEVER);
  await writeFile(join(catalog.directory, id, 'manifest.json'), '{');

  expect(await catalog.list()).toEqual([]);
  expect(await catalog.damaged()).toMatchObject([{ id, problem: expect.stringContaining('JSON') as string }]);
  await expect(catalog.get(id)).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
  await catalog.remove(id, { force: false });
  expect(await catalog.damaged()).toEqual([]);
});

async function manifestOf(digit: string): Promise<SnapshotManifest> {
  const { sha256, sizeBytes } = await hashFile(streamed, NEVER);
  return sampleManifest({
    id: `2026112${digit}T143000Z-host-b-r${String(REVISION)}-0a1b2c`,
    takenAt: `2026-11-2${digit}T14:30:00.000Z`,
    agent: 'host-b',
    revision: REVISION,
    sha256,
    sizeBytes,
  });
}

async function adopted(
  place: Awaited<ReturnType<typeof openTestCatalog>>,
  digit: string,
): Promise<SnapshotManifest> {
  const manifest = await manifestOf(digit);
  const path = place.catalog.incomingPath(manifest.id);
  await copyFile(streamed, path);
  return await place.catalog.adoptFile(manifest, path, NEVER);
}
