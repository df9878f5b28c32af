import { join } from 'node:path';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { readTextIfPresent, writeTextDurably } from '../base/durable-file.ts';
import { joinRecord, type JoinRecord } from '../formats/membership.ts';

/** How far this host is with becoming a member again: `<stateDir>/join.json`, replaced as a whole at each step. */
export class JoinStore {
  readonly #path: string;
  #record: JoinRecord | undefined;

  private constructor(path: string, record: JoinRecord | undefined) {
    this.#path = path;
    this.#record = record;
  }

  /** @throws {AgentError} `STATE_DAMAGED` when the file is there but not what was written. */
  static async open(stateDir: string): Promise<JoinStore> {
    const path = join(stateDir, 'join.json');
    const text = await readTextIfPresent(path);
    if (text === undefined) return new JoinStore(path, undefined);
    try {
      return new JoinStore(path, joinRecord.parse(JSON.parse(text)));
    } catch (cause) {
      throw new AgentError('STATE_DAMAGED', `${path}: ${messageOf(cause)}`, { cause });
    }
  }

  /** The one that has not ended, if any. */
  get unfinished(): JoinRecord | undefined {
    return this.#record?.endedAt === undefined ? this.#record : undefined;
  }

  get wasBegun(): boolean {
    return this.#record !== undefined;
  }

  async keep(record: JoinRecord): Promise<void> {
    await writeTextDurably(this.#path, `${JSON.stringify(record, undefined, 2)}\n`);
    this.#record = record;
  }
}
