import { chmod, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatManifest, type SnapshotManifest } from '../../../src/formats/snapshot-manifest.ts';
import type { Catalog } from '../../../src/snapshot/catalog.ts';
import { unpackFixture } from '../../support/damage.ts';
import { etcdBinary } from '../../support/etcd-binaries.ts';
import { openTestCatalog } from '../../support/open-catalog.ts';
import { makeUnbootable } from '../../support/unbootable.ts';
import { drill, drillContext, NEVER } from './drill-of.ts';

/** A catalog with one snapshot of a real etcd 3.4, with leases, compactions and deletions in it. */
async function oneSnapshot(
  kind: 'streamed' | 'copied' = 'streamed',
  change?: (path: string) => Promise<void>,
) {
  const place = await openTestCatalog();
  const path = join(place.scratch, 'file.db');
  await unpackFixture(kind, path);
  await change?.(path);
  const manifest = await place.catalog.importFile(path, { reason: 'a test' }, NEVER);
  return { ...place, manifest, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
}

async function doctor(catalog: Catalog, manifest: SnapshotManifest): Promise<void> {
  const path = join(catalog.directory, manifest.id, 'manifest.json');
  await writeFile(path, formatManifest(manifest));
}

async function program(directory: string, script: string): Promise<string> {
  const path = join(directory, 'etcd');
  await writeFile(
    path,
    `#!/bin/sh\n[ "$1" = --version ] && exec ${etcdBinary('etcd')} --version\n${script}\n`,
  );
  await chmod(path, 0o755);
  return path;
}

test.each(['streamed', 'copied'] as const)('a sound %s snapshot boots, with its leases', async (kind) => {
  await using one = await oneSnapshot(kind);
  const { id, revision, keyCount, hashKv } = one.manifest;
  const { report } = await drill(drillContext(one.catalog), { id });
  const served = { keyCount, hash: hashKv?.hash, compactRevision: hashKv?.compactRevision };
  expect(report.booted.served).toMatchObject(served);
  expect(report.booted.served.revision).toBeGreaterThanOrEqual(revision);
  expect((await one.catalog.get(id)).grade).toBe('booted');
});

test.each([
  ['number of keys', { keyCount: 114 }, 'it serves 113 keys, the snapshot has 114'],
  [
    'HashKV',
    { hashKv: { hash: 1, revision: 126, compactRevision: 60 } },
    'the snapshot has 1 at revision 126',
  ],
  ['revision', { revision: 127 }, 'the snapshot has 127'],
])(
  'a wrong %s of a file that is what it was is found by etcd, and the snapshot is failed',
  async (_what, wrong, words) => {
    await using one = await oneSnapshot();
    const { id } = one.manifest;
    await doctor(one.catalog, { ...one.manifest, ...wrong });
    // As in a restore, whose own step has just compared the bytes.
    const run = drill(drillContext(one.catalog), { id, isVerified: true });
    await expect(run).rejects.toMatchObject({
      code: 'SNAPSHOT_DAMAGED',
      message: expect.stringContaining(words) as string,
    });
    const { grade, proofs } = await one.catalog.get(id);
    expect(grade).toBe('failed');
    expect(proofs.at(-1)).toMatchObject({ ofContent: true, by: expect.stringContaining(words) as string });
    expect(one.catalog.failedProofs).toBe(1);
    expect(await readdir(join(one.catalog.directory, 'drill'))).toEqual([]);
  },
);

test('a file that was cut short is found before anything is booted', async () => {
  await using one = await oneSnapshot();
  const { id, sizeBytes } = one.manifest;
  await truncate(one.catalog.pathOf(id), sizeBytes - 4096);
  const run = drill(drillContext(one.catalog), { id });
  await expect(run).rejects.toMatchObject({ code: 'SNAPSHOT_HASH_MISMATCH' });
  expect((await one.catalog.get(id)).grade).toBe('failed');
});

test('a snapshot that passes every proof, and that etcd panics on, is failed with the words of etcd', async () => {
  await using one = await oneSnapshot('streamed', makeUnbootable);
  const { id } = one.manifest;
  expect(one.manifest.grade).toBe('hashed');
  const run = drill(drillContext(one.catalog), { id });
  await expect(run).rejects.toMatchObject({
    code: 'SNAPSHOT_UNBOOTABLE',
    message: expect.stringMatching(/exit status 2\).*panic: runtime error: index out of range/s) as string,
  });
  expect((await one.catalog.get(id)).grade).toBe('failed');
  // The proof of its bytes leads nowhere: only another boot would.
  expect((await one.catalog.verify(id, NEVER)).grade).toBe('failed');
});

test.each([
  [
    'ends on every directory',
    'echo "no such flag" >&2; exit 1',
    /no such flag.*on an empty directory: no such flag/s,
  ],
  ['is killed', 'kill -KILL $$', /signal SIGKILL/],
  ['never answers and does nothing', 'exec sleep 600', /did nothing for 3(\.0)? s/],
])('an etcd that %s says nothing about the snapshot', async (_what, script, words) => {
  await using one = await oneSnapshot();
  const { id } = one.manifest;
  const etcdPath = await program(one.scratch, script);
  const launch = { etcdPath, searchPath: process.env['PATH'] ?? '' };
  const run = drill(drillContext(one.catalog, { launch, stallMs: 3000 }), { id });
  await expect(run).rejects.toMatchObject({
    code: 'DRILL_UNAVAILABLE',
    message: expect.stringMatching(words) as string,
  });
  expect((await one.catalog.get(id)).grade).toBe('hashed');
  expect(await readdir(join(one.catalog.directory, 'drill'))).toEqual([]);
});

test('without room, without an etcd, or on an older etcd nothing is tried, and nothing is said of the snapshot', async () => {
  await using one = await oneSnapshot();
  const { id, sizeBytes } = one.manifest;
  const expectUnavailable = async (words: string, context = drillContext(one.catalog)): Promise<void> => {
    await expect(drill(context, { id, isVerified: true })).rejects.toMatchObject({
      code: 'DRILL_UNAVAILABLE',
      message: expect.stringContaining(words) as string,
    });
    expect((await one.catalog.get(id)).grade).toBe('hashed');
  };
  const nowhere = { launch: { searchPath: '' } };
  await expectUnavailable('no etcd was found', drillContext(one.catalog, nowhere));
  await doctor(one.catalog, { ...one.manifest, sizeBytes: 2 ** 50 });
  await expectUnavailable('are needed at');
  await doctor(one.catalog, { ...one.manifest, sizeBytes, storageVersion: '3.99.0' });
  await expectUnavailable('holds data of etcd 3.99.0');
});
