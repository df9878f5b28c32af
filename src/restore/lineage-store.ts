import { join } from 'node:path';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { readTextIfPresent, writeTextDurably } from '../base/durable-file.ts';
import {
  lineageRecord,
  type Generation,
  type KnownMember,
  type LineageRecord,
} from '../formats/generation.ts';
import type { UndoDecision } from '../formats/restore-plan.ts';
import { mergeGenerations } from './merge-generations.ts';

/** One that began at a known cluster. */
export type RevocableGeneration = UndoDecision['undoes'];

/** What this host knows of its cluster's identity and history: `<stateDir>/lineage.json`. */
export class LineageStore {
  readonly #path: string;
  readonly #listeners = new Set<() => void>();
  #record: LineageRecord;
  #changes: Promise<void> = Promise.resolve();

  private constructor(path: string, record: LineageRecord) {
    this.#path = path;
    this.#record = record;
  }

  /** @throws {AgentError} `STATE_DAMAGED` when the file is there but not what was written. */
  static async open(stateDir: string): Promise<LineageStore> {
    const path = join(stateDir, 'lineage.json');
    const text = await readTextIfPresent(path);
    if (text === undefined) return new LineageStore(path, { version: 1, generations: [] });
    try {
      return new LineageStore(path, lineageRecord.parse(JSON.parse(text)));
    } catch (cause) {
      throw new AgentError('STATE_DAMAGED', `${path}: ${messageOf(cause)}`, { cause });
    }
  }

  get record(): LineageRecord {
    return this.#record;
  }

  /** Remembers which cluster the running member is in, for the day when it cannot be asked. */
  async sawCluster(clusterId: string, members: readonly KnownMember[]): Promise<void> {
    const seen = members.map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
      ...(id === undefined ? {} : { id }),
      name,
      peerUrls,
      clientUrls,
      ...(isLearner === undefined ? {} : { isLearner }),
    }));
    await this.#change((record) => {
      const isKnown = JSON.stringify(record.members) === JSON.stringify(seen);
      return record.clusterId === clusterId && isKnown ? record : { ...record, clusterId, members: seen };
    });
  }

  /** Calls back after each change of the generations. @returns What ends that. */
  onGenerations(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** A revocation that was heard of stays: this host may finish an operation that the others have undone since. */
  async add(generation: Generation): Promise<void> {
    await this.#change((record) => {
      const { operation, clusterId } = generation;
      const known = record.generations.find((one) => one.operation === operation);
      const kept =
        known?.revokedBy === undefined ? generation : { ...generation, revokedBy: known.revokedBy };
      return { ...record, clusterId, generations: [...others(record, operation), kept] };
    });
    this.#tell();
  }

  /** `by` went back to the parent: from now on this host is of that cluster, and the members of the undone one are superseded. */
  async revoke(generation: RevocableGeneration, by: string): Promise<void> {
    await this.#change((record) => {
      const { operation, parentClusterId } = generation;
      const known = record.generations.find((one) => one.operation === operation) ?? generation;
      const revoked = { ...known, revokedBy: by };
      return { ...record, clusterId: parentClusterId, generations: [...others(record, operation), revoked] };
    });
    this.#tell();
  }

  /**
   * Keeps what a peer knows and this host does not. Of an operation that is known here only the revocation is taken over.
   *
   * @returns What was new, durable by now.
   */
  async learn(generations: readonly Generation[]): Promise<readonly Generation[]> {
    let news: readonly Generation[] = [];
    await this.#change((record) => {
      const merged = mergeGenerations(record.generations, generations);
      news = merged.news;
      return news.length === 0 ? record : { ...record, generations: merged.generations };
    });
    if (news.length > 0) this.#tell();
    return news;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** One after the other: a peer may tell of a generation while another is written. */
  async #change(change: (record: LineageRecord) => LineageRecord): Promise<void> {
    const changed = this.#changes.then(async () => {
      const record = change(this.#record);
      if (record === this.#record) return;
      await writeTextDurably(this.#path, `${JSON.stringify(record, undefined, 2)}\n`);
      this.#record = record;
    });
    this.#changes = changed.catch(() => undefined);
    await changed;
  }
}

function others({ generations }: LineageRecord, operation: string): Generation[] {
  return generations.filter((one) => one.operation !== operation);
}
