import { expect, test } from 'vitest';
import type { HostFacts } from '../../../src/formats/host-facts.ts';
import type { Generation } from '../../../src/formats/generation.ts';
import { raisedSince } from '../../../src/restore/lineage-of.ts';
import { decideRevisions } from '../../../src/restore/plan-revisions.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const STEP = 1_000_000_000;

function host(agent: string, canBumpRevision: boolean | undefined, revision?: number, stored: number[] = []) {
  const etcd = { clusterId: 'aa', memberId: 'bb', version: '3.6.0', members: [], hasQuorum: false };
  return {
    agent,
    tool: {
      ...{ path: '/usr/bin/etcdutl', kind: 'etcdutl', version: '3.6.14' },
      ...(canBumpRevision === undefined ? {} : { canBumpRevision }),
    },
    snapshots: stored.map((at) => sampleManifest({ revision: at })),
    ...(revision === undefined ? {} : { etcd: { ...etcd, revision } }),
  } satisfies Pick<HostFacts, 'agent' | 'tool' | 'etcd' | 'snapshots'>;
}

test.each([
  ['nobody can be read', [host('h1', true), host('h2', true)], STEP],
  ['little is lost', [host('h1', true, 51), host('h2', true, 163)], STEP],
  ['a later snapshot tells how far the cluster was', [host('h1', true, 51, [600_000_051])], 2 * STEP],
  ['more than a step is lost', [host('h1', true, STEP + 71)], 3 * STEP],
])('where every tool can, the revision passes all that is known by far: %s', (_case, facts, by) => {
  const snapshotRevision = 51;
  const decided = decideRevisions({}, facts, snapshotRevision);
  expect(decided).toEqual({ action: 'bump', by, to: snapshotRevision + by });
  const furthest = Math.max(0, ...facts.map(({ etcd }) => etcd?.revision ?? 0));
  expect(snapshotRevision + by - furthest).toBeGreaterThanOrEqual(STEP / 2);
});

test('one tool that cannot raise it, or does not say so, keeps the revision on all hosts', () => {
  const facts = [host('h1', true), host('h2', false), host('h3', undefined)];
  expect(decideRevisions({}, facts, 51)).toEqual({ action: 'keep', lacking: ['h2', 'h3'] });
  expect(() => decideRevisions({ bumpRevision: 10 }, facts, 51)).toThrow(
    expect.objectContaining({
      code: 'RESTORE_TOOL_UNFIT',
      message: expect.stringContaining('h2 has etcdutl 3.6.14, h3 has etcdutl 3.6.14') as string,
    }) as Error,
  );
});

test('the operator chooses by how much, or not at all', () => {
  const facts = [host('h1', true, 163)];
  expect(decideRevisions({ bumpRevision: 7 }, facts, 51)).toEqual({ action: 'bump', by: 7, to: 58 });
  expect(decideRevisions({ bumpRevision: false }, facts, 51)).toEqual({ action: 'keep', lacking: [] });
  expect(() => decideRevisions({ bumpRevision: 7 }, facts, Number.MAX_SAFE_INTEGER)).toThrow(
    expect.objectContaining({ code: 'USAGE' }) as Error,
  );
});

function generation(number: number, parent: string, restoredRevision: number, bump?: number): Generation {
  return {
    operation: `2026112${number}T150000Z-a1b2c3`,
    clusterId: `0000000000000${number}aa`,
    parentClusterId: parent,
    restoredRevision,
    snapshotId: 'x',
    finishedAt: `2026-11-2${number}T15:00:00.000Z`,
    ...(bump === undefined ? {} : { revisionBump: bump }),
  };
}

test('what earlier restores raised the revision by was written by nobody, and is not lost', () => {
  const chain = [
    generation(1, '00000000000000aa', 51, STEP),
    generation(2, '00000000000001aa', STEP + 60),
    generation(3, '00000000000002aa', STEP + 70, STEP),
  ];
  const now = '00000000000003aa';
  const raised = (clusterId: string | undefined, revision: number): number =>
    raisedSince(clusterId === undefined ? { revision } : { clusterId, revision }, now, chain);
  expect(raised('00000000000000aa', 51)).toBe(2 * STEP);
  expect(raised('00000000000001aa', STEP + 60)).toBe(STEP);
  expect(raised('00000000000002aa', STEP + 65)).toBe(STEP);
  expect(raised(now, 2 * STEP + 80)).toBe(0);
  // An imported file does not name its cluster: its revision tells which restores came after it.
  expect(raised(undefined, 40)).toBe(2 * STEP);
  expect(raised(undefined, STEP + 65)).toBe(STEP);
  expect(raised(undefined, 2 * STEP + 80)).toBe(0);
});
