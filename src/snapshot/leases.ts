import { AgentError } from '../base/agent-error.ts';

/** Who reads which snapshot now, so that none is removed under a reader. */
export class Leases {
  readonly #readers = new Map<string, number>();
  readonly #removing = new Set<string>();

  /** @throws {AgentError} `SNAPSHOT_UNKNOWN` while it is being removed. */
  take(id: string): Disposable {
    if (this.#removing.has(id)) throw new AgentError('SNAPSHOT_UNKNOWN', `${id} is being removed`);
    this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    let released = false;
    return {
      [Symbol.dispose]: () => {
        if (released) return;
        released = true;
        this.#release(id);
      },
    };
  }

  /** The IDs that somebody reads. */
  held(): ReadonlySet<string> {
    return new Set(this.#readers.keys());
  }

  /**
   * Runs `remove` with the door shut to new readers.
   *
   * @throws {AgentError} `SNAPSHOT_IN_USE`.
   */
  async whileUnused(id: string, remove: () => Promise<void>): Promise<void> {
    const readers = this.#readers.get(id) ?? 0;
    if (readers > 0) throw new AgentError('SNAPSHOT_IN_USE', `${id} has ${readers} reader(s)`);
    this.#removing.add(id);
    try {
      await remove();
    } finally {
      this.#removing.delete(id);
    }
  }

  #release(id: string): void {
    const left = (this.#readers.get(id) ?? 0) - 1;
    if (left > 0) this.#readers.set(id, left);
    else this.#readers.delete(id);
  }
}
