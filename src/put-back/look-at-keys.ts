import { AgentError } from '../base/agent-error.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { Operation, TransactionResult } from '../etcd/transaction.ts';
import type { Seen } from './decide-key.ts';

export type LookedAt = Pick<EtcdClient, 'range' | 'txn'>;

/** A key to look at, and how to get the value that it has in the snapshot. */
export interface WantedKey {
  readonly key: Buffer;
  readonly value: () => Buffer;
}

/**
 * What the cluster has under keys that fit into one request (`batchesOf`), in their order. Linearizable. No value comes from etcd but
 * those that differ: it is asked whether they are equal.
 *
 * @throws {AgentError} As the calls of `EtcdClient`.
 */
export async function lookAtKeys(
  etcd: LookedAt,
  wanted: readonly WantedKey[],
  signal: AbortSignal,
): Promise<Seen[]> {
  const [first] = wanted;
  if (first === undefined) return [];
  if (wanted.length === 1) return [await lookAtKey(etcd, first, signal)];
  try {
    return await lookAtMany(etcd, wanted, signal);
  } catch (error) {
    // A cluster may be set to take less than etcd does by default.
    if (!(error instanceof AgentError) || error.code !== 'ETCD_REQUEST_TOO_LARGE') throw error;
  }
  const middle = wanted.length >>> 1;
  return [
    ...(await lookAtKeys(etcd, wanted.slice(0, middle), signal)),
    ...(await lookAtKeys(etcd, wanted.slice(middle), signal)),
  ];
}

/** The mod revisions that operations of `keyOnlyRange` found, in their order; 0 where the key is absent. */
export function modRevisionsOf({ results }: TransactionResult): number[] {
  return results.map((result) => (result.kind === 'range' ? (result.keyValues[0]?.modRevision ?? 0) : 0));
}

export function keyOnlyRange(key: Buffer): Operation {
  return { kind: 'range', key, keysOnly: true };
}

async function lookAtMany(
  etcd: LookedAt,
  wanted: readonly WantedKey[],
  signal: AbortSignal,
): Promise<Seen[]> {
  const keys = wanted.map(({ key }) => key);
  const found = modRevisionsOf(await etcd.txn({ compare: [], success: rangesOf(keys) }, signal));
  const present = wanted
    .map(({ key, value }, index) => ({ key, value, index }))
    .filter(({ index }) => found[index] !== 0);
  const seen = new Map<number, Seen>();
  await compareValues(etcd, present, { seen, signal });
  return wanted.map((_, index) => seen.get(index) ?? { kind: 'absent' });
}

interface Comparing {
  /** What was seen of the keys, by their index. */
  readonly seen: Map<number, Seen>;
  readonly signal: AbortSignal;
}

/** All at once; where that says no, those that are still there in two halves, down to the one that differs. */
async function compareValues(
  etcd: LookedAt,
  present: readonly (WantedKey & { readonly index: number })[],
  comparing: Comparing,
): Promise<void> {
  const { seen, signal } = comparing;
  const [first] = present;
  if (first === undefined) return;
  if (present.length === 1) {
    seen.set(first.index, await lookAtKey(etcd, first, signal));
    return;
  }
  const ranges = rangesOf(present.map(({ key }) => key));
  const compare = present.map(
    ({ key, value }) => ({ key, target: 'value', is: 'equal', to: value() }) as const,
  );
  // Without an operation etcd would answer from this member's own state, which may be old: it looks at the operations to tell
  // whether a transaction must be linearizable (etcd: server/etcdserver/v3_server.go, isTxnSerializable).
  const answer = await etcd.txn({ compare, success: ranges, failure: ranges }, signal);
  const found = modRevisionsOf(answer);
  const rest = present.filter((_, index) => found[index] !== 0);
  if (answer.succeeded) {
    for (const [at, { index }] of present.entries()) {
      seen.set(index, { kind: 'present', modRevision: found[at] ?? 0, sameValue: true });
    }
  } else if (rest.length < present.length) {
    await compareValues(etcd, rest, comparing);
  } else {
    const middle = rest.length >>> 1;
    await compareValues(etcd, rest.slice(0, middle), comparing);
    await compareValues(etcd, rest.slice(middle), comparing);
  }
}

/** A single value may be larger than what a comparison may be sent with: it is read. */
async function lookAtKey(etcd: LookedAt, { key, value }: WantedKey, signal: AbortSignal): Promise<Seen> {
  const [found] = (await etcd.range({ key }, signal)).keyValues;
  if (found === undefined) return { kind: 'absent' };
  return { kind: 'present', modRevision: found.modRevision, sameValue: found.value.equals(value()) };
}

function rangesOf(keys: readonly Buffer[]): Operation[] {
  return keys.map((key) => keyOnlyRange(key));
}
