import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SnapshotManifest } from '../../../src/formats/snapshot-manifest.ts';
import { rankCandidates, type Lineage } from '../../../src/snapshot/ranking.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const LINEAGES: Record<string, Lineage> = { own: 'own', old: 'discarded', other: 'foreign' };

function lineage(manifest: SnapshotManifest): Lineage {
  return LINEAGES[manifest.clusterId ?? ''] ?? 'unknown';
}

function candidate(
  name: string,
  changes: Partial<SnapshotManifest>,
): { name: string; manifest: SnapshotManifest } {
  return { name, manifest: sampleManifest({ clusterId: 'own', ...changes }) };
}

function order(...candidates: ReturnType<typeof candidate>[]): string[] {
  return rankCandidates(candidates, lineage).map(({ name }) => name);
}

test('what an operator discarded does not come back, however high its revision', () => {
  const ranked = order(
    candidate('foreign', { clusterId: 'other', revision: 9000 }),
    candidate('discarded', { clusterId: 'old', revision: 900 }),
    candidate('nobody knows', { clusterId: 'imported', revision: 90 }),
    candidate('own', { revision: 9 }),
  );

  expect(ranked).toEqual(['own', 'nobody knows', 'discarded', 'foreign']);
});

test('a proved snapshot comes before an unproved one of a higher revision', () => {
  expect(
    order(candidate('copy', { grade: 'raw', revision: 50 }), candidate('saved', { revision: 40 })),
  ).toEqual(['saved', 'copy']);
});

test('the revision decides before the grade, and the grade before the clock', () => {
  const ranked = order(
    candidate('booted, behind', { grade: 'booted', revision: 40 }),
    candidate('hashed, later', { revision: 41, takenAt: '2026-12-01T00:00:00Z' }),
    candidate('booted', { grade: 'booted', revision: 41 }),
    candidate('hashed', { revision: 41 }),
  );

  expect(ranked).toEqual(['booted', 'hashed, later', 'hashed', 'booted, behind']);
});

test('a snapshot whose proof failed is not offered', () => {
  expect(
    order(candidate('failed', { grade: 'failed', revision: 99 }), candidate('raw', { grade: 'raw' })),
  ).toEqual(['raw']);
});

test('every host ranks the same candidates the same way, in whatever order they arrive', () => {
  const manifests = fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 3 }),
      grade: fc.constantFrom('raw' as const, 'hashed' as const, 'booted' as const),
      revision: fc.nat({ max: 3 }),
      clusterId: fc.constantFrom('own', 'old', 'other'),
    }),
    { selector: ({ id }) => id, maxLength: 12 },
  );
  fc.assert(
    fc.property(manifests, (several) => {
      const candidates = several.map((changes) => candidate(changes.id, changes));
      expect(order(...candidates)).toEqual(order(...candidates.toReversed()));
    }),
  );
});
