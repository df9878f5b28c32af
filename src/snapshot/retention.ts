import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { isProved } from './grade.ts';
import { compareNewest } from './newest-first.ts';

export interface RetentionRule {
  /** How many stay of each class; less than 1 counts as 1. */
  readonly keep: number;
  /** IDs that stay whatever their age: in use, or just published by a host whose clock was set back. */
  readonly protect?: ReadonlySet<string>;
}

/**
 * Which snapshots go, oldest first. The classes are counted apart, so that one never pushes out the other:
 *
 * - proved (`hashed`, `booted`): the newest `keep` stay, hence always the newest one;
 * - unproved (`raw`): the newest `keep` stay; they are the only source left when the proved ones turn out bad;
 * - `failed`: counts for nothing. It goes once `keep` newer proved ones exist; until then it is evidence, and
 *   perhaps better than no file at all to whoever repairs by hand;
 * - imported by a person: stays. It is old by nature, and the next scheduled run must not take it away.
 */
export function chooseExpired(
  manifests: readonly SnapshotManifest[],
  { keep, protect }: RetentionRule,
): string[] {
  const kept = Math.max(1, keep);
  const newestFirst = [...manifests].sort(compareNewest);
  let proved = 0;
  let unproved = 0;
  const expired: string[] = [];
  for (const manifest of newestFirst) {
    if (manifest.trigger === 'import') continue;
    if (isProved(manifest)) proved += 1;
    if (manifest.grade === 'raw') unproved += 1;
    if (protect?.has(manifest.id) === true) continue;
    if (isSurplus(manifest, { proved, unproved, kept })) expired.unshift(manifest.id);
  }
  return expired;
}

/** The counts are of the snapshots at least as new as this one, itself included in its class. */
function isSurplus(
  manifest: SnapshotManifest,
  seen: { readonly proved: number; readonly unproved: number; readonly kept: number },
): boolean {
  if (manifest.grade === 'failed') return seen.proved >= seen.kept;
  return (isProved(manifest) ? seen.proved : seen.unproved) > seen.kept;
}
