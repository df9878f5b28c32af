import type { Generation, MemberIdentity } from '../formats/generation.ts';

/** How a host's data stands to the restores that are known. */
export type Standing =
  /** Of the cluster that the line of restores ends in, or no restore is known at all. */
  | { readonly kind: 'current' }
  /** Of a cluster that no known restore made or superseded, or of a member of it that nobody knew. */
  | { readonly kind: 'unrelated' }
  /** `by` made the cluster that took its place, `newest` the one that the line ends in. */
  | { readonly kind: 'superseded'; readonly by: Generation; readonly newest: Generation }
  /** Several restores began at one cluster: which of them counts is a person's to say. */
  | { readonly kind: 'fork'; readonly generations: readonly Generation[] };

/**
 * Where a member stands by the restores that this host knows of. A revoked one supersedes nothing. Both IDs must fit:
 * two clusters that were founded alike have one cluster ID.
 */
export function standingOf(identity: MemberIdentity, generations: readonly Generation[]): Standing {
  const valid = generations.filter(({ revokedBy }) => revokedBy === undefined);
  const children = childrenOf(identity.clusterId, valid);
  const made = valid.find(({ clusterId }) => clusterId === identity.clusterId);
  const [by] = children;
  if (by === undefined) return standingOfLast(made, valid, generations, identity.clusterId);
  if (children.length > 1) return { kind: 'fork', generations: children };
  const { supersededMemberIds = [] } = by;
  const isKnown = supersededMemberIds.length === 0 || supersededMemberIds.includes(identity.memberId);
  return isKnown ? { kind: 'superseded', by, newest: newestOf(by, valid) } : { kind: 'unrelated' };
}

/** Of a cluster that nothing took the place of. */
function standingOfLast(
  made: Generation | undefined,
  valid: readonly Generation[],
  all: readonly Generation[],
  clusterId: string,
): Standing {
  const siblings = made?.parentClusterId === undefined ? [] : childrenOf(made.parentClusterId, valid);
  if (siblings.length > 1) return { kind: 'fork', generations: siblings };
  const isMentioned = all.some((one) => one.clusterId === clusterId || one.parentClusterId === clusterId);
  return all.length === 0 || isMentioned ? { kind: 'current' } : { kind: 'unrelated' };
}

/** The cluster IDs of the line that begins with `by`: whoever is in one of them is ahead of who was superseded by it. */
export function lineFrom(by: Generation, generations: readonly Generation[]): Set<string> {
  const valid = generations.filter(({ revokedBy }) => revokedBy === undefined);
  const line = new Set([by.clusterId]);
  for (const clusterId of line) {
    for (const child of childrenOf(clusterId, valid)) line.add(child.clusterId);
  }
  return line;
}

function newestOf(by: Generation, valid: readonly Generation[]): Generation {
  const seen = new Set<string>();
  let newest = by;
  for (;;) {
    seen.add(newest.clusterId);
    const [child, ...others] = childrenOf(newest.clusterId, valid);
    if (child === undefined || others.length > 0 || seen.has(child.clusterId)) return newest;
    newest = child;
  }
}

function childrenOf(clusterId: string, valid: readonly Generation[]): Generation[] {
  return valid.filter((one) => one.parentClusterId === clusterId && one.clusterId !== clusterId);
}
