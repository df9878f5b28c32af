import type { ChangePlace } from '../mvcc/keyspace-entries.ts';

/** One value to write, named by its place in the snapshot, and what must still be true of its key in the cluster. */
export interface PlannedWrite extends ChangePlace {
  /** The mod revision that was seen in the cluster; 0 where the key was absent. */
  readonly guardRevision: number;
}

/** Three numbers for each write: a plan for a million keys takes tens of megabytes, and holds no key and no value. */
export class PlannedWrites implements Iterable<PlannedWrite> {
  readonly #numbers: number[] = [];

  get count(): number {
    return this.#numbers.length / 3;
  }

  add({ modRevision, sub, guardRevision }: PlannedWrite): void {
    this.#numbers.push(modRevision, sub, guardRevision);
  }

  *[Symbol.iterator](): Generator<PlannedWrite> {
    for (let at = 0; at < this.#numbers.length; at += 3) {
      const [modRevision = 0, sub = 0, guardRevision = 0] = this.#numbers.slice(at, at + 3);
      yield { modRevision, sub, guardRevision };
    }
  }
}
