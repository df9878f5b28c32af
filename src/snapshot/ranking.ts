import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { compareGrade, isProved } from './grade.ts';
import { compareNewest } from './newest-first.ts';

/**
 * How a snapshot stands to the cluster that is to be restored: of the generation it descends from, of one that an
 * operator discarded, of another cluster, or without an identity in its manifest.
 */
export type Lineage = 'own' | 'discarded' | 'foreign' | 'unknown';

const LINEAGE_ORDER = { own: 0, unknown: 1, discarded: 2, foreign: 3 } as const satisfies Record<
  Lineage,
  number
>;

/**
 * Best first: lineage, then proved before unproved, then the higher revision, then the stronger grade, then the newer.
 * What an operator discarded thus never comes back by itself, however high its revisions are. Candidates whose proof
 * failed are left out: they are not offered at all. Equal input gives equal order on every host.
 */
export function rankCandidates<T extends { readonly manifest: SnapshotManifest }>(
  candidates: readonly T[],
  lineage: (manifest: SnapshotManifest) => Lineage,
): T[] {
  return candidates
    .filter(({ manifest }) => manifest.grade !== 'failed')
    .map((candidate) => ({ candidate, order: LINEAGE_ORDER[lineage(candidate.manifest)] }))
    .sort((a, b) => a.order - b.order || compareManifests(a.candidate.manifest, b.candidate.manifest))
    .map(({ candidate }) => candidate);
}

function compareManifests(a: SnapshotManifest, b: SnapshotManifest): number {
  return (
    Number(isProved(b)) - Number(isProved(a)) ||
    b.revision - a.revision ||
    compareGrade(a.grade, b.grade) ||
    compareNewest(a, b)
  );
}
