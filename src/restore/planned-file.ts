import type { RestorePlan } from '../formats/restore-plan.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';

type Known = Pick<SnapshotManifest, 'sha256' | 'grade'>;

/** Whether a stored file goes for the plan's snapshot: by what its manifest says of its bytes, and unless its own proof failed. */
export function isPlannedFile(
  manifest: Known | undefined,
  { sha256 }: Pick<RestorePlan['decided']['snapshot'], 'sha256'>,
): boolean {
  return manifest?.sha256 === sha256 && manifest.grade !== 'failed';
}
