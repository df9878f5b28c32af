import type { Generation, MemberIdentity } from '../formats/generation.ts';

/** How a host's data stands to the restores that are known. */
export type Standing =
  /** Of the cluster that the line of restores ends in, or no restore is known at all. */
  | { readonly kind: 'current' }
  /** Of a cluster that no known restore made or superseded, or of a member of it that nobody knew. */
  | { readonly kind: 'unrelated' }
  /** `by` led to the cluster that took its place, `newest` to the one that the line ends in. */
  | { readonly kind: 'superseded'; readonly by: Succession; readonly newest: Succession }
  /** Several operations began at one cluster: which of them counts is a person's to say. */
  | { readonly kind: 'fork'; readonly generations: readonly Succession[] };

/** An operation that led from one cluster to another: a restore to the one that it made, an undo back to the one that was restored. */
export type Succession = Pick<
  Generation,
  'operation' | 'clusterId' | 'parentClusterId' | 'supersededMemberIds'
>;

function successionsIn(generations: readonly Generation[]): Succession[] {
  return generations.flatMap((one): Succession[] => {
    const { revokedBy, clusterId, parentClusterId } = one;
    if (revokedBy === undefined) return [one];
    // Its token was drawn for it alone: all of that cluster is superseded, whoever joined it later too.
    return parentClusterId === undefined
      ? []
      : [{ operation: revokedBy, clusterId: parentClusterId, parentClusterId: clusterId }];
  });
}

/**
 * Where a member stands by the restores that this host knows of. A revoked one supersedes nothing: whoever is of the cluster that it made
 * is superseded by the undo. Both IDs must fit: two clusters that were founded alike have one cluster ID.
 */
export function standingOf(identity: MemberIdentity, generations: readonly Generation[]): Standing {
  const valid = successionsIn(generations);
  const children = childrenOf(identity.clusterId, valid);
  const [by] = children;
  if (by === undefined) return standingOfLast(identity.clusterId, valid, generations);
  if (children.length > 1) return { kind: 'fork', generations: children };
  const { supersededMemberIds = [] } = by;
  const isKnown = supersededMemberIds.length === 0 || supersededMemberIds.includes(identity.memberId);
  return isKnown ? { kind: 'superseded', by, newest: newestOf(by, valid) } : { kind: 'unrelated' };
}

/** Of a cluster that nothing took the place of. */
function standingOfLast(
  clusterId: string,
  valid: readonly Succession[],
  all: readonly Generation[],
): Standing {
  for (const { parentClusterId } of valid.filter((one) => one.clusterId === clusterId)) {
    const siblings = parentClusterId === undefined ? [] : childrenOf(parentClusterId, valid);
    if (siblings.length > 1) return { kind: 'fork', generations: siblings };
  }
  const isMentioned = all.some((one) => one.clusterId === clusterId || one.parentClusterId === clusterId);
  return all.length === 0 || isMentioned ? { kind: 'current' } : { kind: 'unrelated' };
}

/** The cluster IDs of the line that begins with `by`: whoever is in one of them is ahead of who was superseded by it. */
export function lineFrom(by: Succession, generations: readonly Generation[]): Set<string> {
  const valid = successionsIn(generations);
  const line = new Set([by.clusterId]);
  for (const clusterId of line) {
    for (const child of childrenOf(clusterId, valid)) line.add(child.clusterId);
  }
  return line;
}

function newestOf(by: Succession, valid: readonly Succession[]): Succession {
  const seen = new Set<string>();
  let newest = by;
  for (;;) {
    seen.add(newest.clusterId);
    const [child, ...others] = childrenOf(newest.clusterId, valid);
    if (child === undefined || others.length > 0 || seen.has(child.clusterId)) return newest;
    newest = child;
  }
}

function childrenOf(clusterId: string, valid: readonly Succession[]): Succession[] {
  return valid.filter((one) => one.parentClusterId === clusterId && one.clusterId !== clusterId);
}
