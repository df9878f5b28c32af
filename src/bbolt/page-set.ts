/** A bit for each page: 256 KiB for a database of 8 GiB. */
export class PageSet {
  readonly #bits: Uint8Array;
  #size = 0;

  constructor(pages: number) {
    this.#bits = new Uint8Array(Math.ceil(pages / 8));
  }

  get size(): number {
    return this.#size;
  }

  has(page: number): boolean {
    return ((this.#bits[page >>> 3] ?? 0) & (1 << (page & 7))) !== 0;
  }

  /** False when it was there. */
  add(page: number): boolean {
    if (this.has(page)) return false;
    this.#bits[page >>> 3] = (this.#bits[page >>> 3] ?? 0) | (1 << (page & 7));
    this.#size += 1;
    return true;
  }
}
