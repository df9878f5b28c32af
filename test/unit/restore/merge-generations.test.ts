import { expect, test } from 'vitest';
import type { Generation } from '../../../src/formats/generation.ts';
import { mergeGenerations } from '../../../src/restore/merge-generations.ts';

function generation(number: number, more: Partial<Generation> = {}): Generation {
  return {
    operation: `20261124T000000Z-${number.toString(16).padStart(6, '0')}`,
    clusterId: number.toString(16).padStart(16, '0'),
    restoredRevision: number,
    snapshotId: 'snapshot',
    finishedAt: '2026-11-24T00:00:00.000Z',
    ...more,
  };
}

test('what a peer knows is added, and what is known here stays as it is', () => {
  const merged = mergeGenerations([generation(1)], [generation(1, { restoredRevision: 99 }), generation(2)]);
  expect(merged.generations).toEqual([generation(1), generation(2)]);
  expect(merged.news).toEqual([generation(2)]);
});

test('a revocation is taken over, and not lost to a peer that has not heard of it', () => {
  const revokedBy = '20261124T010000Z-aaaaaa';
  const { generations, news } = mergeGenerations([generation(1)], [generation(1, { revokedBy })]);
  expect(generations).toEqual([generation(1, { revokedBy })]);
  expect(news).toHaveLength(1);
  expect(mergeGenerations(generations, [generation(1)])).toEqual({ generations, news: [] });
});

test('peers do not decide how much is kept: the newest are', () => {
  const many = Array.from({ length: 300 }, (_, index) => generation(index));
  const { generations, news } = mergeGenerations([], many);
  expect(generations).toHaveLength(256);
  expect(generations.at(-1)).toEqual(generation(299));
  expect(news).toHaveLength(256);
  expect(mergeGenerations(generations, [generation(0)]).news).toEqual([]);
});
