import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSnapshotId } from '../../../src/formats/snapshot-manifest.ts';
import { makeSnapshotId } from '../../../src/snapshot/snapshot-id.ts';

const NOON = Date.UTC(2026, 10, 23, 14, 30, 0, 123);

test('an ID says when, by whom and at which revision', () => {
  const id = makeSnapshotId({
    atMs: NOON,
    agent: 'host-a',
    revision: 42,
    random: Buffer.from('0a1b2c', 'hex'),
  });

  expect(id).toBe('20261123T143000Z-host-a-r42-0a1b2c');
});

test('one host that snapshots twice in a second gets two names', () => {
  const ids = Array.from({ length: 50 }, () =>
    makeSnapshotId({ atMs: NOON, agent: 'a', revision: 1, random: randomBytes(3) }),
  );

  expect(new Set(ids).size).toBeGreaterThan(45);
});

test('whatever an agent is called, its snapshots have sound names that sort by time', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.integer({ min: 1, max: 1e9 }), (agent, revision, laterMs) => {
      const random = Buffer.from('ffffff', 'hex');
      const first = makeSnapshotId({ atMs: NOON, agent, revision, random });
      const second = makeSnapshotId({ atMs: NOON + laterMs + 1000, agent, revision, random });
      expect(isSnapshotId(first)).toBe(true);
      expect(first < second).toBe(true);
    }),
  );
});
