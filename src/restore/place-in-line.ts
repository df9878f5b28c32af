import type { Generation } from '../formats/generation.ts';

/** What came of an operation, for whoever would undo it. */
export type LinePlace =
  | { readonly kind: 'newest'; readonly generation: Generation }
  /** It did not finish, or nobody here heard of it. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'undone'; readonly by: string }
  /** It is an undo itself, of that operation. */
  | { readonly kind: 'undo'; readonly of: string }
  /** A later one began at the cluster that it made. */
  | { readonly kind: 'followed'; readonly by: string }
  /** Another began at the cluster that it began at. */
  | { readonly kind: 'fork'; readonly with: string };

/** Whether an operation is the last of its line, and what came after it where it is not. A revoked one counts for nothing. */
export function placeInLine(operation: string, generations: readonly Generation[]): LinePlace {
  const generation = generations.find((one) => one.operation === operation);
  if (generation === undefined) {
    const undone = generations.find(({ revokedBy }) => revokedBy === operation);
    return undone === undefined ? { kind: 'unknown' } : { kind: 'undo', of: undone.operation };
  }
  if (generation.revokedBy !== undefined) return { kind: 'undone', by: generation.revokedBy };
  const valid = generations.filter((one) => one.revokedBy === undefined && one !== generation);
  const child = valid.find(({ parentClusterId }) => parentClusterId === generation.clusterId);
  if (child !== undefined) return { kind: 'followed', by: child.operation };
  const { parentClusterId } = generation;
  const twin = valid.find((one) => parentClusterId !== undefined && one.parentClusterId === parentClusterId);
  return twin === undefined ? { kind: 'newest', generation } : { kind: 'fork', with: twin.operation };
}
