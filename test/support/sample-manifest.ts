import type { SnapshotManifest } from '../../src/formats/snapshot-manifest.ts';

/** A sound manifest, with what the test cares about replaced. */
export function sampleManifest(changes: Partial<SnapshotManifest> = {}): SnapshotManifest {
  return {
    version: 1,
    id: '20261123T143000Z-host-a-r42-0a1b2c',
    kind: 'streamed',
    hasTrailer: true,
    grade: 'hashed',
    proofs: [{ grade: 'hashed', at: '2026-11-23T14:30:01.000Z', by: 'trailer compared' }],
    sha256: 'ab'.repeat(32),
    sizeBytes: 20_512,
    revision: 42,
    alarms: [],
    clusterId: '00000000000000aa',
    takenAt: '2026-11-23T14:30:00.000Z',
    agent: 'host-a',
    method: 'stream',
    trigger: 'schedule',
    ...changes,
  };
}
