/** What all changes that are kept of the keys with one prefix add up to. */
export interface PrefixSize {
  readonly prefix: Buffer;
  /** Of keys and values. */
  readonly bytes: number;
  readonly revisions: number;
}

export interface LargestPrefixes {
  readonly byBytes: readonly PrefixSize[];
  readonly byRevisions: readonly PrefixSize[];
  /** No number above is short by more than this; 0 unless there were more prefixes than are kept. */
  readonly missingBytes: number;
  readonly missingRevisions: number;
}

interface Sum {
  bytes: number;
  revisions: number;
}

const SLASH = 0x2f;
/** A longer one is cut at an earlier slash. */
const LONGEST_PREFIX_BYTES = 256;
const MOST_PREFIXES = 50_000;

/**
 * Adds up changes by what their keys have before a slash, as a file system would by directory. Holds so many prefixes and no more,
 * whatever the keys look like: when there are more, the small ones are forgotten, and by how much that can have been wrong is kept.
 */
export class PrefixSizes {
  readonly #depth: number;
  readonly #mostPrefixes: number;
  #sums = new Map<string, Sum>();
  #missingBytes = 0;
  #missingRevisions = 0;

  /** @param depth - Up to how many slashes a prefix has; one at its very beginning does not count. */
  constructor(depth: number, mostPrefixes = MOST_PREFIXES) {
    this.#depth = depth;
    this.#mostPrefixes = mostPrefixes;
  }

  /** @param key - Where it lies: from `start` up to `end` of `bytes`. */
  add(key: { readonly bytes: Buffer; readonly start: number; readonly end: number }, bytes: number): void {
    const prefix = key.bytes.toString('latin1', key.start, this.#prefixEnd(key.bytes, key.start, key.end));
    const sum = this.#sums.get(prefix);
    if (sum !== undefined) {
      sum.bytes += bytes;
      sum.revisions += 1;
      return;
    }
    if (this.#sums.size >= this.#mostPrefixes) this.#forgetSmall();
    this.#sums.set(prefix, { bytes, revisions: 1 });
  }

  largest(count: number): LargestPrefixes {
    const all = [...this.#sums].map(([prefix, sum]) => ({ prefix: Buffer.from(prefix, 'latin1'), ...sum }));
    const byName = all.sort((a, b) => a.prefix.compare(b.prefix));
    return {
      byBytes: byName.toSorted((a, b) => b.bytes - a.bytes).slice(0, count),
      byRevisions: byName.toSorted((a, b) => b.revisions - a.revisions).slice(0, count),
      missingBytes: this.#missingBytes,
      missingRevisions: this.#missingRevisions,
    };
  }

  #prefixEnd(bytes: Buffer, start: number, end: number): number {
    const limit = Math.min(end, start + LONGEST_PREFIX_BYTES);
    let prefixEnd = start;
    let slashes = bytes[start] === SLASH ? -1 : 0;
    for (let at = start; at < limit && slashes < this.#depth; at += 1) {
      if (bytes[at] !== SLASH) continue;
      slashes += 1;
      prefixEnd = at + 1;
    }
    return prefixEnd;
  }

  /** Keeps a quarter that is largest in bytes, and a quarter that is largest in revisions. */
  #forgetSmall(): void {
    const quarter = Math.floor(this.#mostPrefixes / 4);
    const sums = [...this.#sums];
    const kept = new Map([
      ...sums.toSorted(([, a], [, b]) => b.bytes - a.bytes).slice(0, quarter),
      ...sums.toSorted(([, a], [, b]) => b.revisions - a.revisions).slice(0, quarter),
    ]);
    const forgotten = sums.filter(([prefix]) => !kept.has(prefix)).map(([, sum]) => sum);
    this.#missingBytes += forgotten.reduce((most, { bytes }) => Math.max(most, bytes), 0);
    this.#missingRevisions += forgotten.reduce((most, { revisions }) => Math.max(most, revisions), 0);
    this.#sums = kept;
  }
}
