import type { KeyState } from './live-key.ts';

/** What node keeps for one state beside the text: the object, its numbers, its place in the index (measured). */
const STATE_BYTES = 170;

/** The newest state of each key that was met, in memory. */
export class KeyRun {
  readonly #states = new Map<string, KeyState>();
  #sizeBytes = 0;

  /** About what it takes. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  set(state: KeyState): void {
    const { size } = this.#states;
    this.#states.set(state.key, state);
    if (this.#states.size > size) this.#sizeBytes += sizeOf(state);
  }

  forget(key: string): void {
    const state = this.#states.get(key);
    if (state === undefined) return;
    this.#states.delete(key);
    this.#sizeBytes -= sizeOf(state);
  }

  /** In the order of keys. */
  *sorted(): Generator<KeyState> {
    for (const key of [...this.#states.keys()].sort()) {
      const state = this.#states.get(key);
      if (state !== undefined) yield state;
    }
  }
}

function sizeOf({ key, valueHash }: KeyState): number {
  return STATE_BYTES + key.length + valueHash.length;
}
