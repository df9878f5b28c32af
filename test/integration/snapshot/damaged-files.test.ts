import { copyFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AgentError } from '../../../src/base/agent-error.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { SnapshotManifest } from '../../../src/formats/snapshot-manifest.ts';
import { rankCandidates } from '../../../src/snapshot/ranking.ts';
import { openCatalog, type Catalog } from '../../../src/snapshot/catalog.ts';
import { openLocalDirectory } from '../../../src/storage/local-directory.ts';
import { damageBranch, damageValue, sha256Of, unpackFixture } from '../../support/damage.ts';
import { openTestCatalog } from '../../support/open-catalog.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { testProver } from '../../support/thread-programs.ts';

const NEVER = new AbortController().signal;

/** A manifest that fits a file as it is, damaged or not: what an agent wrote that looked less closely. */
async function manifestOf(path: string, changes: Partial<SnapshotManifest> = {}): Promise<SnapshotManifest> {
  return sampleManifest({
    kind: 'copied',
    method: 'pinned-copy',
    hasTrailer: false,
    grade: 'raw',
    proofs: [],
    sha256: await sha256Of(path),
    sizeBytes: (await stat(path)).size,
    revision: 126,
    ...changes,
  });
}

async function refusalOf(work: Promise<unknown>): Promise<AgentError> {
  return (await work.catch((error: unknown) => error)) as AgentError;
}

test('an imported copy with one changed byte in a branch is refused with its findings, and nothing is kept', async () => {
  await using place = await openTestCatalog();
  const path = join(place.scratch, 'copied.db');
  await unpackFixture('copied', path);
  await damageBranch(path);
  const before = await sha256Of(path);

  const refusal = await refusalOf(place.catalog.importFile(path, {}, NEVER));

  expect(refusal).toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
    details: { findingCount: expect.any(Number) as number },
  });
  expect(refusal.message).toMatch(/copied\.db: \d+ findings? in its structure: page \d+: /);
  expect(await sha256Of(path)).toBe(before);
  expect(await readdir(join(place.catalog.directory, 'incoming'))).toEqual([]);
  expect(await place.catalog.list()).toEqual([]);
});

test('a stored copy whose branch changed on the disk is failed with its findings, and never offered again', async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const path = join(place.scratch, 'copied.db');
  await unpackFixture('copied', path);
  const { id } = await catalog.importFile(path, {}, NEVER);
  await catalog.verify(id, NEVER);
  await damageBranch(catalog.pathOf(id));
  const before = await sha256Of(catalog.pathOf(id));

  const refusal = await refusalOf(catalog.verify(id, NEVER));

  expect(refusal).toMatchObject({ code: 'SNAPSHOT_HASH_MISMATCH', details: { id } });
  expect(refusal.message).toMatch(
    /SHA-256 is .*, the manifest says .*; \d+ findings? in its structure: page \d+: /,
  );
  expect(refusal.details['findings']).toEqual(expect.arrayContaining([expect.stringMatching(/^page \d+: /)]));
  const failed = await catalog.get(id);
  expect(failed).toMatchObject({ grade: 'failed' });
  expect(failed.proofs.at(-1)?.by).toContain('in its structure: page ');
  expect(rankCandidates([{ manifest: failed }], () => 'own')).toEqual([]);
  expect(catalog.failedProofs).toBe(1);
  expect(await sha256Of(catalog.pathOf(id))).toBe(before);
});

test('a copy that was torn before anybody hashed it is found by its structure alone', async () => {
  await using directory = await temporaryDirectory();
  const torn = join(directory.path, 'torn.db');
  await unpackFixture('copied', torn);
  await damageBranch(torn);
  const failures: string[] = [];
  await using place = await catalogHolding(directory.path, torn, await manifestOf(torn), (id, problem) => {
    failures.push(`${id}: ${problem}`);
  });
  const { id } = sampleManifest();

  const refusal = await refusalOf(place.catalog.verify(id, NEVER));

  expect(refusal).toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
  expect(await place.catalog.get(id)).toMatchObject({ grade: 'failed' });
  expect(failures).toEqual([expect.stringMatching(/: \d+ findings? in its structure: /)]);
});

test.each([
  ['revision', { revision: 125 }, 'revision is 126, the manifest says 125'],
  ['keys', { keyCount: 112 }, 'keyCount is 113, the manifest says 112'],
  [
    'HashKV',
    { hashKv: { hash: 7, revision: 126, compactRevision: 60 } },
    'HashKV is 1201983899, the manifest says 7',
  ],
])(
  'a sound file of other %s than its manifest says is not the file that was taken',
  async (_what, said, problem) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'copied.db');
    await unpackFixture('copied', path);
    await using place = await catalogHolding(directory.path, path, await manifestOf(path, said));

    await expect(place.catalog.verify(sampleManifest().id, NEVER)).rejects.toMatchObject({
      code: 'SNAPSHOT_DAMAGED',
      message: expect.stringContaining(problem) as string,
    });
  },
);

test('a damaged file is not taken from a peer, although it is what the peer announced', async () => {
  await using place = await openTestCatalog();
  const { catalog } = place;
  const path = catalog.incomingPath(sampleManifest().id);
  await unpackFixture('copied', path);
  await damageBranch(path);

  await expect(catalog.adoptFile(await manifestOf(path), path, NEVER)).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
    message: expect.stringContaining('as it arrived: ') as string,
  });

  expect(await catalog.list()).toEqual([]);
  expect(await readdir(join(catalog.directory, 'incoming'))).toEqual([]);
});

test('a file from a peer says that it was proved here too', async () => {
  await using place = await openTestCatalog();
  const path = place.catalog.incomingPath(sampleManifest().id);
  await unpackFixture('copied', path);

  const { grade, proofs } = await place.catalog.adoptFile(await manifestOf(path), path, NEVER);

  expect({ grade, proofs }).toMatchObject({
    grade: 'raw',
    proofs: [{ grade: 'raw', by: 'SHA-256 compared and structure walked on arrival' }],
  });
});

test('of a damaged file with a trailer it is said that the trailer does not fit, and where the damage lies', async () => {
  await using place = await openTestCatalog();
  const path = join(place.scratch, 'streamed.db');
  await unpackFixture('streamed', path);
  await damageBranch(path);

  const refusal = await refusalOf(place.catalog.importFile(path, {}, NEVER));

  expect(refusal.code).toBe('SNAPSHOT_HASH_MISMATCH');
  expect(refusal.message).toMatch(/its trailer says [0-9a-f]{64}; \d+ findings? in its structure: /);
});

test('a changed byte in a value is found where there is a trailer, and only there', async () => {
  await using place = await openTestCatalog();
  const [streamed, copied] = [join(place.scratch, 'streamed.db'), join(place.scratch, 'copied.db')];
  await unpackFixture('streamed', streamed);
  await unpackFixture('copied', copied);
  const sound = await place.catalog.importFile(copied, {}, NEVER);
  for (const path of [streamed, copied]) await damageValue(path);

  await expect(place.catalog.importFile(streamed, {}, NEVER)).rejects.toMatchObject({
    code: 'SNAPSHOT_HASH_MISMATCH',
  });
  const changed = await place.catalog.importFile(copied, {}, NEVER);
  expect(changed.grade).toBe('raw');
  expect(changed.hashKv?.hash).not.toBe(sound.hashKv?.hash);
});

async function catalogHolding(
  directory: string,
  path: string,
  manifest: SnapshotManifest,
  onFailedProof: (id: string, problem: string) => void = () => undefined,
): Promise<{ catalog: Catalog } & AsyncDisposable> {
  const storage = await openLocalDirectory(join(directory, 'snapshots'), { clock: systemClock });
  const draft = await storage.begin();
  await copyFile(path, draft.path);
  await draft.publish(manifest);
  const settings = { agent: 'host-a', clock: systemClock, prover: testProver, onFailedProof };
  return {
    catalog: openCatalog(storage, settings),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}
