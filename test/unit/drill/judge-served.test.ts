import { expect, test } from 'vitest';
import { judgeServed, type Expected, type Served } from '../../../src/drill/judge-served.ts';

const expected: Expected = {
  revision: 42,
  keyCount: 7,
  hashKv: { hash: 1234, revision: 42, compactRevision: 10 },
};
const served: Served = { revision: 42, keyCount: 7, hash: 1234, compactRevision: 10 };

test('a member that serves what the snapshot holds is right, and all that differs is told at once', () => {
  expect(judgeServed(expected, served)).toBeUndefined();
  const wrong = judgeServed(expected, { revision: 41, keyCount: 6, hash: 99, compactRevision: 10 });
  expect(wrong).toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
    message:
      'as etcd serves it: revision is 41, the snapshot has 42; it serves 6 keys, the snapshot has 7; HashKV is 99, the snapshot has 1234 at revision 42',
  });
});

test('the revision may have gone on only where leases can run out', () => {
  const later = { ...served, revision: 43 };
  expect(judgeServed(expected, later)?.message).toContain('revision is 43');
  expect(judgeServed({ ...expected, leaseCount: 1 }, later)).toBeUndefined();
  expect(judgeServed({ ...expected, leaseCount: 1 }, { ...served, revision: 41 })).toBeDefined();
});

test('hashes of different compactions say nothing about the snapshot', () => {
  const compacted = { ...served, compactRevision: 20, hash: 5 };
  expect(() => judgeServed(expected, compacted)).toThrow(
    expect.objectContaining({ code: 'DRILL_UNAVAILABLE' }) as Error,
  );
});

test('where no key lives, the hash is of what a compaction leaves, and is not compared', () => {
  const empty = { ...expected, keyCount: 0 };
  expect(judgeServed(empty, { ...served, keyCount: 0, hash: 5 })).toBeUndefined();
  expect(judgeServed(empty, { ...served, keyCount: 1, hash: 5 })?.message).toContain('it serves 1 keys');
});
