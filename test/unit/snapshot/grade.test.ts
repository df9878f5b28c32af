import { expect, test } from 'vitest';
import type { Grade } from '../../../src/formats/snapshot-manifest.ts';
import { withProof } from '../../../src/snapshot/grade.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const at = '2026-11-24T00:00:00.000Z';

test.each<[Grade, Grade, Grade]>([
  ['raw', 'hashed', 'hashed'],
  ['raw', 'raw', 'raw'],
  ['hashed', 'raw', 'hashed'],
  ['hashed', 'booted', 'booted'],
  ['booted', 'hashed', 'booted'],
  ['booted', 'failed', 'failed'],
  ['failed', 'raw', 'failed'],
  ['failed', 'hashed', 'failed'],
  ['failed', 'booted', 'booted'],
])('a %s snapshot after the proof %s is %s', (before, proof, after) => {
  expect(withProof(sampleManifest({ grade: before }), { grade: proof, at }).grade).toBe(after);
});

test('a nightly check does not make the manifest grow', () => {
  let manifest = sampleManifest();
  for (let night = 1; night <= 20; night += 1) {
    manifest = withProof(manifest, {
      grade: 'hashed',
      at: `2026-12-${String(night).padStart(2, '0')}T00:00:00Z`,
      by: 'again',
    });
  }

  expect(manifest.proofs.map((proof) => proof.at)).toEqual([
    '2026-11-23T14:30:01.000Z',
    '2026-12-20T00:00:00Z',
  ]);
});
