import type { Generation } from '../formats/generation.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { Lineage } from '../snapshot/ranking.ts';

/**
 * How a snapshot relates to the cluster `clusterId`: its own history reaches back through each restore to the
 * revision that was restored; what the parent did after that was discarded by an operator, and so was all of a cluster whose
 * restore was undone.
 */
export function lineageOf(
  manifest: Pick<SnapshotManifest, 'clusterId' | 'revision'>,
  clusterId: string | undefined,
  generations: readonly Generation[],
): Lineage {
  if (clusterId === undefined || manifest.clusterId === undefined) return 'unknown';
  const line = lineTo(clusterId, generations);
  const upTo = line.get(manifest.clusterId);
  if (upTo !== undefined) return manifest.revision <= upTo ? 'own' : 'discarded';
  return wasUndone(manifest.clusterId, line, generations) ? 'discarded' : 'foreign';
}

/** The clusters that one came out of, itself first, each with the revision up to which its history is that one's. */
function lineTo(clusterId: string, generations: readonly Generation[]): Map<string, number> {
  const line = new Map<string, number>();
  let upTo = Infinity;
  for (let current: string | undefined = clusterId; current !== undefined && !line.has(current);) {
    line.set(current, upTo);
    const made: Generation | undefined = generations.find((each) => each.clusterId === current);
    upTo = Math.min(upTo, made?.restoredRevision ?? 0);
    current = made?.parentClusterId;
  }
  return line;
}

/** It came out of a cluster of this line by restores one of which was undone. */
function wasUndone(
  clusterId: string,
  line: ReadonlyMap<string, number>,
  generations: readonly Generation[],
): boolean {
  let isUndone = false;
  const seen = new Set<string>();
  for (let current: string | undefined = clusterId; current !== undefined && !seen.has(current);) {
    if (line.has(current)) return isUndone;
    seen.add(current);
    const made: readonly Generation[] = generations.filter((each) => each.clusterId === current);
    isUndone ||= made.some(({ revokedBy }) => revokedBy !== undefined);
    current = made[0]?.parentClusterId;
  }
  return false;
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
