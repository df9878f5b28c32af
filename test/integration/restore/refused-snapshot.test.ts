import { copyFile, rename, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SnapshotManifest } from '../../../src/formats/snapshot-manifest.ts';
import type { RestorePlan } from '../../../src/formats/restore-plan.ts';
import { planSnapshotSource } from '../../../src/restore/plan-snapshot-source.ts';
import { samplePlan } from '../../support/control-samples.ts';
import { damageBranch, sha256Of, unpackFixture } from '../../support/damage.ts';
import { openTestCatalog } from '../../support/open-catalog.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { runPhases, stepHost } from './step-host.ts';

/** A catalog that holds the snapshot of a plan, as h1 sees it. */
async function placeWithSnapshot() {
  const place = await openTestCatalog();
  const { catalog } = place;
  const original = join(place.scratch, 'copied.db');
  await unpackFixture('copied', original);
  const { id, sha256, sizeBytes } = await catalog.importFile(original, {}, new AbortController().signal);
  const plan = planOf({ id, sha256, sizeBytes }, ['h1']);
  const source = planSnapshotSource({ plan, self: 'h1', catalog, call: noPeers, download: noPeers });
  return { ...place, original, id, source };
}

// What a host does with a damaged snapshot when a restore is prepared: nothing is staged, and the old etcd is not touched.

test('a snapshot that changed on the disk is refused when a restore is prepared, and nobody is offered it again', async () => {
  await using directory = await temporaryDirectory();
  await using place = await placeWithSnapshot();
  const { catalog, id, source } = place;
  const host = await stepHost({ root: directory.path, found: 'stopped', separateWal: false });
  await damageBranch(catalog.pathOf(id));
  const before = await sha256Of(catalog.pathOf(id));

  await expect(runPhases({ ...host, snapshot: source }, ['preparing'])).rejects.toMatchObject({
    code: 'SNAPSHOT_HASH_MISMATCH',
    message: expect.stringMatching(/^verify-snapshot: .* findings? in its structure: page \d+: /) as string,
  });

  expect(await catalog.get(id)).toMatchObject({ grade: 'failed' });
  expect(await source.locate()).toBeUndefined();
  await expect(stat(host.layout.stagedDataDir)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(host.supervisor.running).toBe(false);
  expect(await sha256Of(catalog.pathOf(id))).toBe(before);
});

test('a damaged snapshot that a peer sends as it announced it is not taken, and the peer is made to look at its own', async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const damaged = join(place.scratch, 'damaged.db');
  await unpackFixture('copied', damaged);
  await damageBranch(damaged);
  const { size: sizeBytes } = await stat(damaged);
  const manifest = sampleManifest({
    kind: 'copied',
    hasTrailer: false,
    grade: 'raw',
    revision: 126,
    sha256: await sha256Of(damaged),
    sizeBytes,
  });
  const asked: string[] = [];
  const source = planSnapshotSource({
    plan: planOf(manifest, ['h2', 'h3']),
    self: 'h1',
    catalog,
    call: (agent, method) => {
      asked.push(`${agent} ${method}`);
      return Promise.resolve(method === 'snapshot.manifest' ? manifest : {});
    },
    download: ({ toPath }) => copyFile(damaged, toPath),
  });

  await expect(source.fetch(new AbortController().signal, () => undefined)).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
  });

  expect(asked).toContain('h2 snapshot.verify');
  expect(await catalog.list()).toEqual([]);
});

test('what is staged counts only when the file that was proved is still there, and unchanged where the tool checks nothing', async () => {
  await using place = await placeWithSnapshot();
  const { catalog, original, id, source } = place;
  const { signal } = new AbortController();
  const look = (): Promise<void> => source.verifyAfterUse(signal, () => undefined);

  const path = catalog.pathOf(id);
  const then = new Date('2026-11-23T15:00:00Z');
  await utimes(path, then, then);

  await expect(look()).rejects.toMatchObject({ code: 'SNAPSHOT_HASH_MISMATCH' });
  await source.verify(signal, () => undefined);
  await look();

  // Bits that change by themselves leave the file's times as they were.
  await damageBranch(path);
  await utimes(path, then, then);
  await expect(look()).rejects.toMatchObject({ code: 'SNAPSHOT_HASH_MISMATCH' });
  expect(await catalog.get(id)).toMatchObject({ grade: 'failed' });

  await copyFile(original, `${path}.new`);
  await rename(`${path}.new`, path);
  await expect(look()).rejects.toMatchObject({
    message: expect.stringMatching(/^another file took/) as string,
  });
});

test('a snapshot that some other reading found wrong meanwhile is not taken, though its bytes are right', async () => {
  await using place = await placeWithSnapshot();
  const { catalog, id, source } = place;
  const { signal } = new AbortController();
  await catalog.recordProof(id, { grade: 'failed', by: 'etcd did not serve it', ofContent: true });
  await expect(source.verify(signal, () => undefined)).rejects.toMatchObject({
    code: 'SNAPSHOT_HASH_MISMATCH',
  });
});

function planOf(
  file: Pick<SnapshotManifest, 'id' | 'sha256' | 'sizeBytes'>,
  holders: readonly string[],
): RestorePlan {
  const { id, sha256, sizeBytes } = file;
  const snapshot = { ...samplePlan().decided.snapshot, id, sha256, sizeBytes, hasTrailer: false };
  return samplePlan({ decided: { snapshot, holders: [...holders] } });
}

function noPeers(): Promise<never> {
  return Promise.reject(new Error('no peers here'));
}
