import { expect, test } from 'vitest';
import { formatManifest, isSnapshotId, parseManifest } from '../../../src/formats/snapshot-manifest.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

test('a manifest survives the way to disk and back', () => {
  const manifest = sampleManifest({
    alarms: [{ memberId: '00000000000000ff', alarm: 'NOSPACE' }],
    keyCount: 7,
  });

  expect(parseManifest(formatManifest(manifest))).toEqual({ ok: true, manifest });
});

test.each([
  ['a cut file', '{"version": 1, "id"', 'is not JSON'],
  ['a newer version', JSON.stringify({ ...sampleManifest(), version: 2 }), 'version: '],
  ['an unknown key', JSON.stringify({ ...sampleManifest(), colour: 'red' }), 'colour'],
  ['a missing hash', JSON.stringify({ ...sampleManifest(), sha256: undefined }), 'sha256: '],
  ['an ID that leads elsewhere', JSON.stringify({ ...sampleManifest(), id: '../../etc' }), 'id: '],
])('%s is damage, named as such', (_what, text, named) => {
  const parsed = parseManifest(text);

  expect(parsed).toMatchObject({ ok: false, problem: expect.stringContaining(named) as string });
});

test.each([
  'incoming',
  '..',
  '20261123T143000Z-a-r1-0a1b2c.removing',
  '20261123T143000Z-a-r1-0a1b2c.partial',
  '20261123T143000Z-a/b-r1-0a1b2c',
  '',
])('%j is no snapshot ID', (word) => {
  expect(isSnapshotId(word)).toBe(false);
});
