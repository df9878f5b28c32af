import { expect, test } from 'vitest';
import { decideKey, type Decision, type Seen } from '../../../src/put-back/decide-key.ts';
import { lineageOf, type LivingCluster, type SnapshotOrigin } from '../../../src/put-back/lineage.ts';

const KEY = { modRevision: 50 };
const RULES = { overwrite: false, comparable: true };

function present(modRevision: number, sameValue = false): Seen {
  return { kind: 'present', modRevision, sameValue };
}

test.each<[string, Seen, Decision]>([
  ['a key that the cluster lacks is created', { kind: 'absent' }, { kind: 'create' }],
  ['a key with the same value is left alone', present(50, true), { kind: 'unchanged' }],
  ['so is one that somebody wrote again', present(70, true), { kind: 'unchanged' }],
  ['a newer value is a conflict', present(70), { kind: 'conflict', modRevision: 70, newer: 'cluster' }],
  ['so is an older one', present(40), { kind: 'conflict', modRevision: 40, newer: 'snapshot' }],
  [
    'two values of one revision cannot be told apart by it',
    present(50),
    { kind: 'conflict', modRevision: 50, newer: 'unknown' },
  ],
])('%s', (_, seen, decision) => {
  expect(decideKey(KEY, seen, RULES)).toEqual(decision);
});

test('with leave to overwrite another value is replaced, and the same one still is not', () => {
  const rules = { ...RULES, overwrite: true };
  expect(decideKey(KEY, present(70), rules)).toEqual({
    kind: 'overwrite',
    modRevision: 70,
    newer: 'cluster',
  });
  expect(decideKey(KEY, present(70, true), rules)).toEqual({ kind: 'unchanged' });
});

test('where revisions cannot be compared, nothing is called newer', () => {
  expect(decideKey(KEY, present(70), { ...RULES, comparable: false })).toMatchObject({ newer: 'unknown' });
});

const CLUSTER: LivingCluster = { clusterId: 'c1', memberIds: ['m1', 'm2'], revision: 100 };

test.each<[string, SnapshotOrigin, string | undefined]>([
  ['of this cluster', { revision: 100, clusterId: 'c1', memberIds: [] }, undefined],
  ['of another cluster', { revision: 90, clusterId: 'c2', memberIds: ['m1'] }, 'is of cluster c2'],
  ['of a bare file with a member of this cluster', { revision: 90, memberIds: ['m9', 'm2'] }, undefined],
  ['of a bare file with strange members', { revision: 90, memberIds: ['m9'] }, 'no member'],
  ['of a bare file without members', { revision: 90, memberIds: [] }, 'does not say'],
  ['of a future of this cluster', { revision: 101, clusterId: 'c1', memberIds: [] }, 'behind'],
])('a snapshot %s counts the same revisions, or says why not', (_, origin, why) => {
  const lineage = lineageOf(origin, CLUSTER);
  expect(lineage.comparable).toBe(why === undefined);
  expect('why' in lineage ? lineage.why : '').toContain(why ?? '');
});
