import { batchesOf, requestBytes } from './batches.ts';
import { decideKey, type Decision, type DecisionRules } from './decide-key.ts';
import type { KeySource, SnapshotKey } from './key-source.ts';
import { lookAtKeys, type LookedAt } from './look-at-keys.ts';
import { PlannedWrites } from './planned-writes.ts';
import { rangesOf, tallySelection, type Selection } from './selection.ts';

export interface PutBackRules extends DecisionRules {
  /** Write keys that hung on a lease, without one. Otherwise they are skipped. */
  readonly leased: boolean;
}

/** What is to become of one key of the snapshot. `leased`: it hung on a lease, and is skipped. */
export type KeyPlan = SnapshotKey & { readonly decision: Decision | { readonly kind: 'leased' } };

export type KeyCounts = Readonly<Record<KeyPlan['decision']['kind'], number>>;

export interface PutBackPlan {
  readonly counts: KeyCounts;
  /** Of those to create or to overwrite: how many hung on a lease. */
  readonly leaseless: number;
  /** Of the values to write. */
  readonly valueBytes: number;
  readonly writes: PlannedWrites;
  /** What was named and met no key of the snapshot. */
  readonly unmet: Selection;
}

export interface Planning {
  readonly source: KeySource;
  readonly etcd: LookedAt;
  readonly rules: PutBackRules;
  /** Told of every chosen key, in key order, and waited for. */
  readonly onKey?: (key: KeyPlan) => Promise<void>;
}

/**
 * Looks at the chosen keys in snapshot and cluster, and says what is to become of each. Writes nothing.
 *
 * @throws {AgentError} As `KeySource` and the calls of `EtcdClient`.
 */
export async function planPutBack(
  selection: Selection,
  planning: Planning,
  signal: AbortSignal,
): Promise<PutBackPlan> {
  const { source, rules } = planning;
  const tally = tallySelection(selection);
  const plan = new GrowingPlan();
  const keys = source.keys(rangesOf(selection), signal);
  const bytesOf = ({ key, valueSizeBytes }: SnapshotKey): number => requestBytes(key.length, valueSizeBytes);
  for await (const batch of batchesOf(keys, bytesOf)) {
    for (const { key } of batch) tally.met(key);
    const wanted = batch.filter(({ lease }) => lease === 0n || rules.leased);
    const looks = wanted.map((key) => ({ key: key.key, value: () => source.read(key).value }));
    const seen = await lookAtKeys(planning.etcd, looks, signal);
    const seenOf = new Map(wanted.map((key, index) => [key, seen[index]]));
    for (const key of batch) {
      const found = seenOf.get(key);
      const decided: KeyPlan = {
        ...key,
        decision: found === undefined ? { kind: 'leased' } : decideKey(key, found, rules),
      };
      plan.add(decided);
      await planning.onKey?.(decided);
    }
  }
  return { ...plan.result(), unmet: tally.unmet };
}

class GrowingPlan {
  readonly #writes = new PlannedWrites();
  readonly #counts = { create: 0, unchanged: 0, overwrite: 0, conflict: 0, leased: 0 };
  #leaseless = 0;
  #valueBytes = 0;

  add({ decision, lease, valueSizeBytes, modRevision, sub }: KeyPlan): void {
    this.#counts[decision.kind] += 1;
    if (decision.kind === 'create' || decision.kind === 'overwrite') {
      const guardRevision = decision.kind === 'create' ? 0 : decision.modRevision;
      this.#writes.add({ modRevision, sub, guardRevision });
      this.#valueBytes += valueSizeBytes;
      if (lease !== 0n) this.#leaseless += 1;
    }
  }

  result(): Omit<PutBackPlan, 'unmet'> {
    return {
      counts: this.#counts,
      leaseless: this.#leaseless,
      valueBytes: this.#valueBytes,
      writes: this.#writes,
    };
  }
}
