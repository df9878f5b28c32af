import { describe, expect, test } from 'vitest';
import { isEtcdWalEntry, layoutOf } from '../../../src/restore/layout.ts';
import { sampleUndo } from '../../support/control-samples.ts';
import { lineageOf } from '../../../src/restore/lineage-of.ts';

const [A, B, C] = ['00000000000000aa', '00000000000000bb', '00000000000000cc'];

function restored(clusterId: string, parentClusterId: string, restoredRevision: number) {
  const operation = `20261123T150000Z-0000${clusterId.slice(-2)}`;
  const finishedAt = '2026-11-23T15:00:00.000Z';
  return { operation, clusterId, parentClusterId, restoredRevision, snapshotId: 'x', finishedAt };
}

describe('after A was restored at 50 into B, and B at 30 into C, a snapshot', () => {
  const generations = [restored(B, A, 50), restored(C, B, 30)];
  test.each([
    ['of C', C, 1_000_000, 'own'],
    ['of B up to what C was made from', B, 30, 'own'],
    ['of B that C does not have', B, 31, 'discarded'],
    ['of A up to what both have', A, 30, 'own'],
    ['of A that B had and C has not', A, 50, 'discarded'],
    ['of another cluster', '00000000000000dd', 1, 'foreign'],
  ])('%s is %s at %s: %s', (_what, clusterId, revision, lineage) => {
    expect(lineageOf({ clusterId, revision }, C, generations)).toBe(lineage);
  });

  test('without an identity is of unknown lineage, and so is any where the hosts have none', () => {
    expect(lineageOf({ revision: 1 }, C, generations)).toBe('unknown');
    expect(lineageOf({ clusterId: C, revision: 1 }, undefined, generations)).toBe('unknown');
  });

  test('is looked up to an end also where generations run in a ring', () => {
    const ring = [restored(A, B, 1), restored(B, A, 1)];
    expect(lineageOf({ clusterId: C, revision: 1 }, A, ring)).toBe('foreign');
  });
});

describe('after the restore of A at 50 into B was undone, a snapshot', () => {
  const generations = [{ ...restored(B, A, 50), revokedBy: '20261123T160000Z-000000' }, restored(C, B, 70)];
  test.each([
    ['of B, whatever its revision', B, 50, 'discarded'],
    ['of what came out of B', C, 80, 'discarded'],
    ['of A from after the restore', A, 60, 'own'],
    ['of another cluster', '00000000000000dd', 1, 'foreign'],
  ])('%s is %s at %s: %s', (_what, clusterId, revision, lineage) => {
    expect(lineageOf({ clusterId, revision }, A, generations)).toBe(lineage);
  });
});

test('an undo takes its data from where the operation that is undone set it aside, and gives it back there', () => {
  const [operation, undone] = ['20261123T160000Z-000000', '20261123T150000Z-a1b2c3'];
  const before = layoutOf({ dataDir: '/d', walDir: '/w' }, { operation: undone });
  const { undoes } = sampleUndo().decided;
  const { wal, ...layout } = layoutOf(
    { dataDir: '/d', walDir: '/w' },
    { operation, undoes: { ...undoes, operation: undone } },
  );
  expect([layout.stagedMember, layout.withdrawnMember]).toEqual([
    before.setAsideMember,
    before.setAsideMember,
  ]);
  expect([wal?.staged, wal?.withdrawn]).toEqual([before.wal?.setAside, before.wal?.setAside]);
  expect([layout.setAsideMember, wal?.setAside]).toEqual([
    `/d/member.before-${operation}`,
    `/w/wal.before-${operation}`,
  ]);
  expect(
    [layout.staging, layout.stagedDataDir, wal?.staging].filter(
      (path) => !path?.includes(`/.lifeboat/${operation}`),
    ),
  ).toEqual([]);
});

test('everything that an operation makes is inside the data dir or the WAL dir', () => {
  const operation = '20261123T150000Z-a1b2c3';
  const { wal, ...data } = layoutOf({ dataDir: '/d', walDir: '/w' }, { operation });
  expect(Object.values(data).filter((path) => !path.startsWith('/d'))).toEqual([]);
  const walPaths: string[] =
    wal === undefined ? [] : [wal.dir, wal.staging, wal.staged, wal.setAside, wal.withdrawn];
  expect(walPaths.filter((path) => path.startsWith('/w'))).toHaveLength(5);
  expect(layoutOf({ dataDir: '/d' }, { operation }).wal).toBeUndefined();
});

test("only what is etcd's moves out of a separate WAL dir", () => {
  const names = [
    '0.wal',
    '0.tmp',
    '1.wal.broken',
    '.lifeboat',
    'lost+found',
    'wal.before-x',
    'wal.restored-x',
  ];
  expect(names.filter(isEtcdWalEntry)).toEqual(['0.wal', '0.tmp', '1.wal.broken']);
});
