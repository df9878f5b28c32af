import type { Generation } from '../formats/generation.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { Lineage } from '../snapshot/ranking.ts';

/**
 * How a snapshot relates to the cluster `clusterId`: its own history reaches back through each restore to the
 * revision that was restored; what the parent did after that was discarded by an operator.
 */
export function lineageOf(
  manifest: Pick<SnapshotManifest, 'clusterId' | 'revision'>,
  clusterId: string | undefined,
  generations: readonly Generation[],
): Lineage {
  if (clusterId === undefined || manifest.clusterId === undefined) return 'unknown';
  let current: string | undefined = clusterId;
  let upTo = Infinity;
  const seen = new Set<string>();
  while (current !== undefined && !seen.has(current)) {
    if (manifest.clusterId === current) return manifest.revision <= upTo ? 'own' : 'discarded';
    seen.add(current);
    const made = generations.find((each) => each.clusterId === current);
    upTo = Math.min(upTo, made?.restoredRevision ?? 0);
    current = made?.parentClusterId;
  }
  return 'foreign';
}

/**
 * By how much restores since the snapshot raised the revision, all together: numbers that nobody wrote. A snapshot that
 * does not name its cluster is older than each restore that began beyond its revision.
 */
export function raisedSince(
  { clusterId: ancestor, revision }: Pick<SnapshotManifest, 'clusterId' | 'revision'>,
  clusterId: string | undefined,
  generations: readonly Generation[],
): number {
  let raised = 0;
  const seen = new Set<string>();
  for (let current = clusterId; current !== undefined && current !== ancestor && !seen.has(current);) {
    seen.add(current);
    const made = generations.find((each) => each.clusterId === current);
    if (made === undefined) break;
    const { restoredRevision, revisionBump = 0, parentClusterId } = made;
    if (ancestor === undefined && revision >= restoredRevision + revisionBump) break;
    raised += revisionBump;
    current = parentClusterId;
  }
  return raised;
}
