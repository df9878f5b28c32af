import { join } from 'node:path';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { readTextIfPresent, writeTextDurably } from '../base/durable-file.ts';
import {
  lineageRecord,
  type Generation,
  type KnownMember,
  type LineageRecord,
} from '../formats/generation.ts';

/** What this host knows of its cluster's identity and history: `<stateDir>/lineage.json`. */
export class LineageStore {
  readonly #path: string;
  #record: LineageRecord;

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
    const seen = members.map(({ name, peerUrls, clientUrls, isLearner }) => ({
      name,
      peerUrls,
      clientUrls,
      ...(isLearner === undefined ? {} : { isLearner }),
    }));
    const isKnown = JSON.stringify(this.#record.members) === JSON.stringify(seen);
    if (this.#record.clusterId === clusterId && isKnown) return;
    await this.#write({ ...this.#record, clusterId, members: seen });
  }

  async add(generation: Generation): Promise<void> {
    const others = this.#record.generations.filter(({ operation }) => operation !== generation.operation);
    await this.#write({
      ...this.#record,
      clusterId: generation.clusterId,
      generations: [...others, generation],
    });
  }

  async #write(record: LineageRecord): Promise<void> {
    await writeTextDurably(this.#path, `${JSON.stringify(record, undefined, 2)}\n`);
    this.#record = record;
  }
}
