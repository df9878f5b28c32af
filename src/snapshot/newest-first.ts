import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';

type Dated = Pick<SnapshotManifest, 'id' | 'takenAt' | 'revision'>;

/** Order of the catalog: by the time taken, then by revision, then by ID so that every host sees the same order. */
export function compareNewest(a: Dated, b: Dated): number {
  const byTime = Date.parse(b.takenAt) - Date.parse(a.takenAt);
  if (byTime !== 0) return byTime;
  if (a.revision !== b.revision) return b.revision - a.revision;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}
