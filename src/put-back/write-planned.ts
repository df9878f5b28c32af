import { asAgentError, type AgentError } from '../base/agent-error.ts';
import type { OnBytes } from '../base/hash-file.ts';
import type { Transaction } from '../etcd/transaction.ts';
import { batchesOf, requestBytes } from './batches.ts';
import type { Seen } from './decide-key.ts';
import type { KeyAndValue, KeySource } from './key-source.ts';
import { keyOnlyRange, lookAtKeys, modRevisionsOf, type LookedAt } from './look-at-keys.ts';
import type { PlannedWrite, PlannedWrites } from './planned-writes.ts';

/** A key that was not written after all: another client was there first, or etcd takes no request of that size. */
export type LeftAlone = { readonly key: Buffer } & (
  | { readonly reason: 'overtaken'; readonly plannedRevision: number; readonly found: Seen }
  | { readonly reason: 'too-large'; readonly valueSizeBytes: number }
);

/** What became of the planned writes. Together the counts are all of them. */
export interface WriteReport {
  readonly written: number;
  readonly writtenBytes: number;
  /** Somebody else wrote the very same value meanwhile. */
  readonly unchanged: number;
  readonly overtaken: number;
  readonly tooLarge: number;
  /** etcd did not say what became of these. */
  readonly uncertain: number;
  /** Not tried any more. */
  readonly remaining: number;
  /** Of the last write; absent when nothing was written. */
  readonly revision?: number;
  /** What ended it early. */
  readonly failure?: AgentError;
}

export interface Writing {
  readonly source: KeySource;
  readonly etcd: LookedAt;
  readonly onLeftAlone?: (key: LeftAlone) => void;
  /** Told after each request how many bytes of the planned values are settled. */
  readonly onBytes?: OnBytes;
}

/**
 * Writes in transactions what was planned, each key only if it is still as it was seen. What others changed meanwhile is left alone.
 *
 * @param signal - Ends it between two transactions: one that was sent is waited for, as else nobody would know what it did.
 * @returns What was done up to its end or failure; nothing is thrown, so that it can be told.
 */
export async function writePlanned(
  writes: PlannedWrites,
  writing: Writing,
  signal: AbortSignal,
): Promise<WriteReport> {
  const run = new WriteRun(writing);
  let settledBytes = 0;
  try {
    for await (const batch of batchesOf(read(writes, writing.source), bytesOf)) {
      if (signal.aborted) break;
      await run.write(batch);
      settledBytes += batch.reduce((sum, { value }) => sum + value.length, 0);
      writing.onBytes?.(settledBytes);
    }
  } catch (error) {
    return run.report(writes.count, asAgentError(error));
  }
  return run.report(writes.count);
}

type Guarded = KeyAndValue & Pick<PlannedWrite, 'guardRevision'>;

function* read(writes: PlannedWrites, source: KeySource): Generator<Guarded> {
  for (const write of writes) yield { ...source.read(write), guardRevision: write.guardRevision };
}

function bytesOf({ key, value }: Guarded): number {
  return requestBytes(key.length, value.length);
}

class WriteRun {
  readonly #writing: Writing;
  readonly #sent = new AbortController().signal;
  #written = 0;
  #writtenBytes = 0;
  #unchanged = 0;
  #overtaken = 0;
  #tooLarge = 0;
  #uncertain = 0;
  #revision: number | undefined;

  constructor(writing: Writing) {
    this.#writing = writing;
  }

  get settled(): number {
    return this.#written + this.#unchanged + this.#overtaken + this.#tooLarge;
  }

  /** Each turn settles at least one key, so it ends. */
  async write(batch: readonly Guarded[]): Promise<void> {
    for (let rest = batch; rest.length > 0;) {
      const answer = await this.#send(rest);
      if (answer === 'too-large') {
        await this.#writeHalves(rest);
        return;
      }
      if (answer.succeeded) {
        this.#noteWritten(rest, answer.revision);
        return;
      }
      const found = modRevisionsOf(answer);
      const [asSeen, changed] = [
        rest.filter(({ guardRevision }, index) => found[index] === guardRevision),
        rest.filter(({ guardRevision }, index) => found[index] !== guardRevision),
      ];
      for (const entry of changed) await this.#settleChanged(entry);
      rest = asSeen;
    }
  }

  report(planned: number, failure?: AgentError): WriteReport {
    return {
      written: this.#written,
      writtenBytes: this.#writtenBytes,
      unchanged: this.#unchanged,
      overtaken: this.#overtaken,
      tooLarge: this.#tooLarge,
      uncertain: this.#uncertain,
      remaining: planned - this.settled - this.#uncertain,
      ...(this.#revision === undefined ? {} : { revision: this.#revision }),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  async #send(batch: readonly Guarded[]) {
    try {
      return await this.#writing.etcd.txn(guardedPuts(batch), this.#sent);
    } catch (thrown) {
      const error = asAgentError(thrown);
      if (error.code === 'ETCD_REQUEST_TOO_LARGE') return 'too-large';
      // It may have arrived all the same.
      if (error.retryable) this.#uncertain += batch.length;
      throw error;
    }
  }

  /** A cluster may be set to take less than etcd does by default. */
  async #writeHalves(batch: readonly Guarded[]): Promise<void> {
    const [first] = batch;
    if (first !== undefined && batch.length === 1) {
      this.#tooLarge += 1;
      this.#leave({ key: first.key, reason: 'too-large', valueSizeBytes: first.value.length });
      return;
    }
    const middle = batch.length >>> 1;
    await this.write(batch.slice(0, middle));
    await this.write(batch.slice(middle));
  }

  async #settleChanged({ key, value, guardRevision }: Guarded): Promise<void> {
    const [found] = await lookAtKeys(this.#writing.etcd, [{ key, value: () => value }], this.#sent);
    if (found?.kind === 'present' && found.sameValue) {
      this.#unchanged += 1;
      return;
    }
    this.#overtaken += 1;
    this.#leave({
      key,
      reason: 'overtaken',
      plannedRevision: guardRevision,
      found: found ?? { kind: 'absent' },
    });
  }

  #noteWritten(batch: readonly Guarded[], revision: number): void {
    this.#written += batch.length;
    this.#writtenBytes += batch.reduce((sum, { value }) => sum + value.length, 0);
    this.#revision = revision;
  }

  #leave(key: LeftAlone): void {
    this.#writing.onLeftAlone?.(key);
  }
}

function guardedPuts(batch: readonly Guarded[]): Transaction {
  return {
    compare: batch.map(({ key, guardRevision }) => ({
      key,
      target: 'modRevision',
      is: 'equal',
      to: guardRevision,
    })),
    success: batch.map(({ key, value }) => ({ kind: 'put', key, value })),
    failure: batch.map(({ key }) => keyOnlyRange(key)),
  };
}
