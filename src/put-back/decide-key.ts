/** What the living cluster has under a key. */
export type Seen =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'present';
      readonly modRevision: number;
      /** Its value is that of the snapshot, byte for byte. */
      readonly sameValue: boolean;
    };

/** Whose value of a key was written later; `unknown` where the revisions do not belong to one history. */
export type Newer = 'cluster' | 'snapshot' | 'unknown';

export type Decision =
  | { readonly kind: 'create' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'overwrite' | 'conflict'; readonly modRevision: number; readonly newer: Newer };

export interface DecisionRules {
  /** The operator said that other values may be replaced. */
  readonly overwrite: boolean;
  /** Revisions of snapshot and cluster count the same history. */
  readonly comparable: boolean;
}

/** What is to become of a key that the snapshot has at `modRevision`. */
export function decideKey(key: { readonly modRevision: number }, seen: Seen, rules: DecisionRules): Decision {
  if (seen.kind === 'absent') return { kind: 'create' };
  if (seen.sameValue) return { kind: 'unchanged' };
  return {
    kind: rules.overwrite ? 'overwrite' : 'conflict',
    modRevision: seen.modRevision,
    newer: rules.comparable ? newerOf(key.modRevision, seen.modRevision) : 'unknown',
  };
}

/** In one history a revision writes a key once: two values under the same one tell that there are two histories. */
function newerOf(snapshotRevision: number, clusterRevision: number): Newer {
  if (snapshotRevision === clusterRevision) return 'unknown';
  return clusterRevision > snapshotRevision ? 'cluster' : 'snapshot';
}
