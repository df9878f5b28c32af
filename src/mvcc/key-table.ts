/** A range of bytes that is a key. */
export interface KeyBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const FIRST_SLOTS = 1 << 10;
/** Slots hold two halves of a hash; both 0 is an empty slot. */
const HALVES = 2;

/**
 * Keys, each with the newest revision that was said of it, by a hash of 64 bits: flat memory of 16 bytes a slot, also for millions of
 * keys. Two of ten million keys share a hash with a chance of one in 400,000.
 */
export class KeyTable {
  #slots = FIRST_SLOTS;
  #hashes = new Uint32Array(FIRST_SLOTS * HALVES);
  #revisions = new Float64Array(FIRST_SLOTS);
  #size = 0;
  #low = 0;
  #high = 0;

  get size(): number {
    return this.#size;
  }

  /** Revisions must be told in ascending order. */
  set(key: KeyBytes, revision: number): void {
    this.#hash(key);
    const slot = this.#find(this.#low, this.#high);
    if (this.#isEmpty(slot)) {
      this.#hashes[slot * HALVES] = this.#low;
      this.#hashes[slot * HALVES + 1] = this.#high;
      this.#size += 1;
    }
    this.#revisions[slot] = revision;
    if (this.#size * 2 > this.#slots) this.#grow();
  }

  /** The newest revision that was said of `key`, or -1. */
  get(key: KeyBytes): number {
    if (this.#size === 0) return -1;
    this.#hash(key);
    const slot = this.#find(this.#low, this.#high);
    return this.#isEmpty(slot) ? -1 : (this.#revisions[slot] ?? -1);
  }

  #find(low: number, high: number): number {
    let slot = (low ^ high) & (this.#slots - 1);
    while (
      !this.#isEmpty(slot) &&
      (this.#hashes[slot * HALVES] !== low || this.#hashes[slot * HALVES + 1] !== high)
    ) {
      slot = (slot + 1) & (this.#slots - 1);
    }
    return slot;
  }

  #isEmpty(slot: number): boolean {
    return this.#hashes[slot * HALVES] === 0 && this.#hashes[slot * HALVES + 1] === 0;
  }

  #grow(): void {
    const [hashes, revisions, slots] = [this.#hashes, this.#revisions, this.#slots];
    this.#slots = slots * 2;
    this.#hashes = new Uint32Array(this.#slots * HALVES);
    this.#revisions = new Float64Array(this.#slots);
    for (let old = 0; old < slots; old += 1) {
      const [low, high] = [hashes[old * HALVES] ?? 0, hashes[old * HALVES + 1] ?? 0];
      if (low === 0 && high === 0) continue;
      const slot = this.#find(low, high);
      this.#hashes[slot * HALVES] = low;
      this.#hashes[slot * HALVES + 1] = high;
      this.#revisions[slot] = revisions[old] ?? 0;
    }
  }

  /** Two multiplicative hashes with unlike primes, each mixed at the end so that all bits depend on all bytes. */
  #hash({ bytes, start, end }: KeyBytes): void {
    let low = 0x9e3779b1;
    let high = 0x85ebca77;
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high ^ byte, 0x5bd1e995);
    }
    this.#low = mixed(low ^ (high >>> 15));
    this.#high = (mixed(high ^ (low >>> 13)) | 1) >>> 0;
  }
}

function mixed(half: number): number {
  const once = Math.imul(half ^ (half >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}
