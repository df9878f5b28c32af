import { expect, test } from 'vitest';
import type { Generation } from '../../../src/formats/generation.ts';
import { lineFrom, standingOf } from '../../../src/membership/standing-of.ts';

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(16)) as [
  string,
  string,
  string,
  string,
];
const [ONE, TWO] = ['1', '2'].map((digit) => digit.repeat(16)) as [string, string];

function made(clusterId: string, from: string | undefined, more: Partial<Generation> = {}): Generation {
  return {
    operation: `20261124T0000${clusterId.charCodeAt(0)}Z-00000${clusterId[0] ?? ''}`,
    clusterId,
    ...(from === undefined ? {} : { parentClusterId: from, supersededMemberIds: [ONE, TWO] }),
    restoredRevision: 10,
    snapshotId: 'snapshot',
    finishedAt: '2026-11-24T00:00:00.000Z',
    ...more,
  };
}

function kindOf(clusterId: string, generations: readonly Generation[], memberId = ONE): string {
  return standingOf({ clusterId, memberId }, generations).kind;
}

test('without any restore, every member is current', () => {
  expect(kindOf(A, [])).toBe('current');
});

test('a member of the cluster that was restored over is superseded, and one of the new cluster is not', () => {
  const generations = [made(B, A)];
  expect(standingOf({ clusterId: A, memberId: TWO }, generations)).toEqual({
    kind: 'superseded',
    by: generations[0],
    newest: generations[0],
  });
  expect(kindOf(B, generations)).toBe('current');
});

test('whoever missed two restores is told of the one that took its place, and of the cluster that is right now', () => {
  const generations = [made(C, B), made(B, A)];
  expect(standingOf({ clusterId: A, memberId: ONE }, generations)).toMatchObject({
    kind: 'superseded',
    by: { clusterId: B },
    newest: { clusterId: C },
  });
  expect(kindOf(B, generations)).toBe('superseded');
  expect([...lineFrom(made(B, A), generations)]).toEqual([B, C]);
});

test('a cluster that no restore made or superseded is not ours to fence', () => {
  expect(kindOf(D, [made(B, A)])).toBe('unrelated');
});

test('a member that nobody of the superseded cluster knew is not fenced, though the cluster IDs agree', () => {
  expect(kindOf(A, [made(B, A)], '9'.repeat(16))).toBe('unrelated');
});

test('where no member of the superseded cluster was known, its cluster ID decides', () => {
  expect(kindOf(A, [made(B, A, { supersededMemberIds: undefined })])).toBe('superseded');
});

test('a restore of unknown origin supersedes nobody', () => {
  expect(kindOf(A, [made(B, undefined)])).toBe('unrelated');
});

test('two restores that began at one cluster are a fork for its members and for theirs', () => {
  const generations = [made(B, A), made(C, A)];
  for (const clusterId of [A, B, C]) expect(kindOf(clusterId, generations)).toBe('fork');
});

test('a restore of one side of a fork ends it for whoever takes part in it', () => {
  const generations = [made(B, A), made(C, A), made(D, C)];
  expect(kindOf(D, generations)).toBe('current');
  expect(kindOf(C, generations)).toBe('superseded');
  expect(kindOf(B, generations)).toBe('fork');
});

test('a revoked restore supersedes nobody: the old members are current again', () => {
  const revoked = made(B, A, { revokedBy: '20261124T010000Z-aaaaaa' });
  expect(kindOf(A, [revoked])).toBe('current');
  expect(kindOf(A, [revoked, made(C, A)])).toBe('superseded');
});

test('whoever is of the cluster of a restore that was undone is superseded by the undo, whoever joined it later too', () => {
  const by = '20261124T010000Z-aaaaaa';
  const undone = made(B, A, { revokedBy: by });
  const back = { operation: by, clusterId: A, parentClusterId: B };
  for (const memberId of [ONE, '9'.repeat(16)])
    expect(standingOf({ clusterId: B, memberId }, [undone])).toEqual({
      kind: 'superseded',
      by: back,
      newest: back,
    });
  expect([...lineFrom(back, [undone])]).toEqual([A]);
});

test('a restore of the old cluster after an undo is no fork: the line goes on from there', () => {
  const by = '20261124T010000Z-aaaaaa';
  const generations = [made(B, A, { revokedBy: by }), made(C, A)];
  expect(kindOf(C, generations)).toBe('current');
  expect(standingOf({ clusterId: B, memberId: ONE }, generations)).toMatchObject({
    by: { operation: by, clusterId: A },
    newest: { clusterId: C },
  });
});

test('two restores that were undone one after the other lead back to where the first began', () => {
  const [first, second] = ['20261124T020000Z-aaaaaa', '20261124T010000Z-aaaaaa'];
  const generations = [made(B, A, { revokedBy: first }), made(C, B, { revokedBy: second })];
  expect(kindOf(A, generations)).toBe('current');
  expect(standingOf({ clusterId: C, memberId: ONE }, generations)).toMatchObject({
    by: { operation: second, clusterId: B },
    newest: { operation: first, clusterId: A },
  });
});

test('an undo and a later restore that began at one cluster are a fork', () => {
  const generations = [made(B, A, { revokedBy: '20261124T010000Z-aaaaaa' }), made(C, B)];
  for (const clusterId of [A, B, C]) expect(kindOf(clusterId, generations)).toBe('fork');
});

test('generations that go round in a circle are walked once', () => {
  expect(kindOf(A, [made(B, A), made(C, B), made(A, C)])).toBe('superseded');
  expect([...lineFrom(made(B, A), [made(B, A), made(C, B), made(A, C)])]).toEqual([B, C, A]);
});
