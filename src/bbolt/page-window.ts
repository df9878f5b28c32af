import { damagedPage } from './damage.ts';
import type { PageFile } from './page-file.ts';
import { allocatePageBytes, type PageBytes } from './tree-page.ts';

const FIRST_AHEAD_BYTES = 64 << 10;
const MOST_AHEAD_BYTES = 1 << 20;

/**
 * Reads pages that are wanted one after the other. Where they lie behind each other it reads ever more at once; where they are
 * scattered, it reads little else than what is wanted.
 */
export class PageWindow {
  readonly #file: PageFile;
  #memory: PageBytes = allocatePageBytes(0);
  /** What part of the file is in memory. */
  #from = 0;
  #until = 0;
  #usedBytes = 0;
  #aheadBytes: number;

  /** @param aheadBytes - What is read at once at first; 0 for nothing but what is wanted. */
  constructor(file: PageFile, aheadBytes = FIRST_AHEAD_BYTES) {
    this.#file = file;
    this.#aheadBytes = aheadBytes;
  }

  /**
   * Page `id` with `sizeBytes` of the file, at `start` of `from`, until the next call.
   *
   * @throws {AgentError} `SNAPSHOT_DAMAGED` when the file ends before it; `FILE_UNREADABLE`.
   */
  load(id: number, sizeBytes: number): { from: PageBytes; start: number } {
    const position = id * this.#file.meta.pageSizeBytes;
    if (position < this.#from || position + sizeBytes > this.#until) this.#fill(position, sizeBytes);
    if (position + sizeBytes > this.#until) {
      throw damagedPage(id, `the file ends ${position + sizeBytes - this.#until} bytes before its end`);
    }
    return { from: this.#memory, start: position - this.#from };
  }

  /** Says that this much of what was loaded was of use. */
  use(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
  }

  #fill(position: number, sizeBytes: number): void {
    const { pageSizeBytes } = this.#file.meta;
    const wasUseful = this.#usedBytes * 2 >= this.#until - this.#from;
    this.#aheadBytes = wasUseful
      ? Math.min(this.#aheadBytes * 2, MOST_AHEAD_BYTES)
      : Math.max(this.#aheadBytes / 4, pageSizeBytes);
    const wantedBytes = Math.max(sizeBytes, this.#aheadBytes);
    if (this.#memory.bytes.length < wantedBytes) this.#memory = allocatePageBytes(wantedBytes);
    this.#from = position;
    this.#usedBytes = 0;
    this.#until = position + this.#file.readInto(this.#memory.bytes.subarray(0, wantedBytes), 0, position);
  }
}
