import type { LiveKey } from './live-key.ts';

/** What became of a key between two snapshots. It is the same where nobody wrote it in between. */
export type KeyDifference =
  | { readonly kind: 'added'; readonly after: LiveKey }
  | { readonly kind: 'removed'; readonly before: LiveKey }
  /** Its value, or the lease it goes with. */
  | { readonly kind: 'changed'; readonly before: LiveKey; readonly after: LiveKey }
  /** Written again with the same value and the same lease. */
  | { readonly kind: 'rewritten'; readonly before: LiveKey; readonly after: LiveKey }
  | { readonly kind: 'same' };

/**
 * Compares two snapshots key by key, and holds one key of each. Both come in the order of their keys, with hashes of their values.
 */
export async function* diffKeys(
  before: AsyncGenerator<LiveKey>,
  after: AsyncGenerator<LiveKey>,
): AsyncGenerator<KeyDifference> {
  try {
    let older = await next(before);
    let newer = await next(after);
    while (older !== undefined || newer !== undefined) {
      const order = compare(older, newer);
      const difference = judge(order <= 0 ? older : undefined, order >= 0 ? newer : undefined);
      if (difference !== undefined) yield difference;
      if (order <= 0) older = await next(before);
      if (order >= 0) newer = await next(after);
    }
  } finally {
    await before.return(undefined);
    await after.return(undefined);
  }
}

async function next(keys: AsyncGenerator<LiveKey>): Promise<LiveKey | undefined> {
  const result = await keys.next();
  return result.done === true ? undefined : result.value;
}

/** Negative when `a` comes first. What has come to its end comes last. */
function compare(a: LiveKey | undefined, b: LiveKey | undefined): number {
  if (a === undefined) return 1;
  return b === undefined ? -1 : a.key.compare(b.key);
}

function judge(before: LiveKey | undefined, after: LiveKey | undefined): KeyDifference | undefined {
  if (before === undefined) return after === undefined ? undefined : { kind: 'added', after };
  if (after === undefined) return { kind: 'removed', before };
  if (before.valueHash !== after.valueHash || before.lease !== after.lease) {
    return { kind: 'changed', before, after };
  }
  return before.modRevision === after.modRevision ? { kind: 'same' } : { kind: 'rewritten', before, after };
}
