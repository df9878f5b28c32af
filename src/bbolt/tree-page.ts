const PAGE_HEADER_BYTES = 16;
const ELEMENT_BYTES = 16;
const BRANCH_FLAG = 0x01;
const LEAF_FLAG = 0x02;
const BUCKET_LEAF_FLAG = 0x01;

/** Where bytes are read from: `words` are the same bytes as little-endian numbers, which is how bbolt wrote them. */
export interface PageBytes {
  readonly bytes: Buffer;
  readonly words: Uint32Array<ArrayBuffer>;
}

/** @param sizeBytes - A multiple of 4. */
export function allocatePageBytes(sizeBytes: number): PageBytes {
  const memory = new ArrayBuffer(sizeBytes);
  return { bytes: Buffer.from(memory), words: new Uint32Array(memory) };
}

/**
 * A branch or leaf, with the pages that continue it (bbolt: internal/common/page.go). One object serves many pages, one after the
 * other, because a database has millions. After `judge` found nothing, every offset below lies inside it.
 */
export class TreePage {
  id = 0;
  isLeaf = false;
  count = 0;
  /** Holds the page, and may hold others: offsets are into it. */
  bytes: Buffer = Buffer.alloc(0);
  #words = new Uint32Array(0);
  #start = 0;
  #end = 0;

  /**
   * Takes on the page at `start`, a multiple of 4, and proves that its elements lie in it one behind the other, as bbolt writes them.
   *
   * @returns What is wrong with it, in words.
   */
  judge(
    id: number,
    from: PageBytes,
    start: number,
    sizeBytes: number,
  ): { kind: 'wrong-type' | 'element'; found: string } | undefined {
    this.id = id;
    this.bytes = from.bytes;
    this.#words = from.words;
    this.#start = start;
    this.#end = start + sizeBytes;
    if (sizeBytes < PAGE_HEADER_BYTES) return { kind: 'element', found: `it has ${sizeBytes} bytes` };
    const flagsAndCount = this.#word(start + 8);
    const flags = flagsAndCount & 0xffff;
    this.count = flagsAndCount >>> 16;
    this.isLeaf = flags === LEAF_FLAG;
    if (!this.isLeaf && flags !== BRANCH_FLAG) {
      return {
        kind: 'wrong-type',
        found: `its flags are 0x${flags.toString(16)}, not those of a branch or leaf`,
      };
    }
    const found = this.isLeaf ? this.#judgeLeaf() : this.#judgeBranch();
    return found === undefined ? undefined : { kind: 'element', found };
  }

  /** With the pages that continue it. */
  get sizeBytes(): number {
    return this.#end - this.#start;
  }

  keyStart(index: number): number {
    const at = this.#element(index);
    return at + this.#word(this.isLeaf ? at + 4 : at);
  }

  keyBytes(index: number): number {
    return this.#word(this.#element(index) + (this.isLeaf ? 8 : 4));
  }

  key(index: number): Buffer {
    const start = this.keyStart(index);
    return this.bytes.subarray(start, start + this.keyBytes(index));
  }

  /** Of a leaf: where the value of element `index` begins. */
  valueStart(index: number): number {
    const at = this.#element(index);
    return at + this.#word(at + 4) + this.#word(at + 8);
  }

  valueBytes(index: number): number {
    return this.#word(this.#element(index) + 12);
  }

  value(index: number): Buffer {
    const start = this.valueStart(index);
    return this.bytes.subarray(start, start + this.valueBytes(index));
  }

  /** Of a leaf: the value is the head of a bucket inside this one. */
  isBucket(index: number): boolean {
    return this.#word(this.#element(index)) === BUCKET_LEAF_FLAG;
  }

  /** Of a branch: the page below. A number that no file can have comes out larger than any. */
  child(index: number): number {
    const at = this.#element(index);
    return this.#word(at + 12) * 2 ** 32 + this.#word(at + 8);
  }

  /** The first element whose key is not larger than the one before it; -1 when all are. Keys compare as bytes. */
  firstOutOfOrder(): number {
    for (let index = 1; index < this.count; index += 1) {
      if (!this.#isAfterTheOneBefore(index)) return index;
    }
    return -1;
  }

  #isAfterTheOneBefore(index: number): boolean {
    const { bytes } = this;
    const [before, after] = [this.keyStart(index - 1), this.keyStart(index)];
    const [beforeBytes, afterBytes] = [this.keyBytes(index - 1), this.keyBytes(index)];
    const shorter = Math.min(beforeBytes, afterBytes);
    for (let at = 0; at < shorter; at += 1) {
      const difference = (bytes[after + at] ?? 0) - (bytes[before + at] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    return afterBytes > beforeBytes;
  }

  #judgeLeaf(): string | undefined {
    const words = this.#words;
    let expected = this.#start + PAGE_HEADER_BYTES + this.count * ELEMENT_BYTES;
    if (expected > this.#end) return this.#tooMany();
    for (let index = 0; index < this.count; index += 1) {
      const at = this.#element(index);
      const first = at >>> 2;
      const start = at + (words[first + 1] ?? 0);
      if (start !== expected) return this.#misplaced(index, start, expected);
      expected = start + (words[first + 2] ?? 0) + (words[first + 3] ?? 0);
      if (expected > this.#end) return this.#beyond(index, expected);
      const flags = words[first] ?? 0;
      if (flags > BUCKET_LEAF_FLAG) return `element ${index} has the flags 0x${flags.toString(16)}`;
    }
    return undefined;
  }

  #judgeBranch(): string | undefined {
    let expected = this.#start + PAGE_HEADER_BYTES + this.count * ELEMENT_BYTES;
    if (this.count === 0) return 'it is a branch without children';
    if (expected > this.#end) return this.#tooMany();
    for (let index = 0; index < this.count; index += 1) {
      const start = this.keyStart(index);
      if (start !== expected) return this.#misplaced(index, start, expected);
      if (this.child(index) > Number.MAX_SAFE_INTEGER) return `child ${index} is page ${this.child(index)}`;
      expected = start + this.keyBytes(index);
      if (expected > this.#end) return this.#beyond(index, expected);
    }
    return undefined;
  }

  #tooMany(): string {
    const neededBytes = PAGE_HEADER_BYTES + this.count * ELEMENT_BYTES;
    return `${this.count} elements need ${neededBytes} bytes, and it has ${this.#end - this.#start}`;
  }

  #misplaced(index: number, start: number, expected: number): string {
    return `the data of element ${index} is at byte ${start - this.#start}, and what is before it ends at ${expected - this.#start}`;
  }

  #beyond(index: number, end: number): string {
    return `element ${index} ends at byte ${end - this.#start}, and the page at ${this.#end - this.#start}`;
  }

  #element(index: number): number {
    return this.#start + PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
  }

  #word(at: number): number {
    return this.#words[at >>> 2] ?? 0;
  }
}
