import { expect, test } from 'vitest';
import type { HostFacts } from '../../../src/formats/host-facts.ts';
import type { SnapshotManifest } from '../../../src/formats/snapshot-manifest.ts';
import { chooseSnapshot, condemnedWarnings } from '../../../src/restore/choose-snapshot.ts';
import type { PlanWish } from '../../../src/restore/plan-wish.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const at = '2026-11-23T15:00:00.000Z';
const older = sampleManifest();
const newer = sampleManifest({
  id: '20261123T150000Z-host-a-r50-0a1b2d',
  revision: 50,
  sha256: 'cd'.repeat(32),
});

function failed(manifest: SnapshotManifest, extent: { ofContent?: true }): SnapshotManifest {
  const proof = { grade: 'failed', at, by: 'etcd did not serve it', ...extent } as const;
  return { ...manifest, grade: 'failed', proofs: [...manifest.proofs, proof] };
}

function hosts(...snapshots: SnapshotManifest[][]): HostFacts[] {
  return snapshots.map(
    (held, index) => ({ agent: `h${index + 1}`, generations: [], snapshots: held }) as unknown as HostFacts,
  );
}

const wish: PlanWish = {
  snapshot: 'latest',
  ...{ skipHashCheck: false, discardCurrent: false, allowForeign: false, disarmAlarms: false },
  without: [],
};

test('a snapshot whose content one host found wrong is offered by nobody, and the plan says what it passed over', () => {
  const facts = hosts([newer, older], [failed(newer, { ofContent: true })], [newer]);
  const chosen = chooseSnapshot(wish, facts, older.clusterId);
  expect(chosen.manifest.id).toBe(older.id);
  expect(condemnedWarnings(facts, chosen)).toEqual([
    `${newer.id} has revision 50 and is not offered: on h2 etcd did not serve it.`,
  ]);
  const named = chooseSnapshot({ ...wish, snapshot: { id: newer.id } }, facts, older.clusterId);
  expect(named.manifest.grade).toBe('failed');
});

test('a file that only one disk holds wrongly is offered by the others', () => {
  const facts = hosts([newer, older], [failed(newer, {})], [newer]);
  const chosen = chooseSnapshot(wish, facts, older.clusterId);
  expect([chosen.manifest.id, chosen.holders]).toEqual([newer.id, ['h1', 'h3']]);
  expect(condemnedWarnings(facts, chosen)).toEqual([]);
});

test('what was proved on one host holds for the same bytes on all', () => {
  const booted = { ...newer, grade: 'booted' } as const;
  const { manifest, holders } = chooseSnapshot(wish, hosts([newer], [booted], [newer]), newer.clusterId);
  expect([manifest.grade, holders]).toEqual(['booted', ['h1', 'h2', 'h3']]);
});
