import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { damagedPage } from './damage.ts';
import type { Meta } from './meta.ts';
import { decodeHead, HEAD_BYTES, type MetaPages } from './meta-pages.ts';
import { allocatePageBytes, TreePage, type PageBytes } from './tree-page.ts';

/** A page larger than this is damage: etcd writes at most a few values into one page, each of at most one request. */
const LARGEST_PAGE_BYTES = 256 << 20;

/**
 * A database file that is only read. All of it is synchronous, because each step of a walk needs the one before it: for worker threads
 * and for commands that do nothing else. Bytes behind the last page (etcd's trailer) do not matter.
 */
export class PageFile {
  readonly path: string;
  readonly metaPages: MetaPages;
  readonly sizeBytes: number;
  readonly #fd: number;

  /** `openPageFile` makes one. */
  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.sizeBytes = fstatSync(fd).size;
    const head = Buffer.alloc(Math.min(HEAD_BYTES, this.sizeBytes));
    this.metaPages = decodeHead(head.subarray(0, this.readInto(head, 0, 0)), path);
    this.#requireLength();
  }

  get meta(): Meta {
    return this.metaPages.newest;
  }

  /**
   * A branch or leaf with the pages that continue it, in memory of its own.
   *
   * @throws {AgentError} `SNAPSHOT_DAMAGED` when it is out of range, is another page, or is not whole; `FILE_UNREADABLE`.
   */
  readPage(id: number): TreePage {
    const { pageSizeBytes, highWaterPage } = this.meta;
    if (id < 2 || id >= highWaterPage)
      throw damagedPage(id, `the pages of the tree are 2 to ${highWaterPage - 1}`);
    const first = this.#readPages(id, pageSizeBytes);
    const { problem, sizeBytes } = this.judgeHeader(id, first, 0);
    if (problem !== undefined) throw damagedPage(id, problem.found);
    const page = new TreePage();
    const judged = page.judge(
      id,
      sizeBytes > pageSizeBytes ? this.#readPages(id, sizeBytes) : first,
      0,
      sizeBytes,
    );
    if (judged !== undefined) throw damagedPage(id, judged.found);
    return page;
  }

  /** Whether the page at `start` is the page `id`, and how large it is with those that continue it. Judged before more of it is read: only a branch or a leaf may cost memory. */
  judgeHeader(
    id: number,
    { bytes }: PageBytes,
    start: number,
  ): {
    readonly sizeBytes: number;
    readonly problem?: { kind: 'page-id' | 'wrong-type' | 'out-of-bounds'; found: string };
  } {
    const { pageSizeBytes, highWaterPage } = this.meta;
    const named = bytes.readUInt32LE(start + 4) * 2 ** 32 + bytes.readUInt32LE(start);
    if (named !== id) {
      return {
        sizeBytes: pageSizeBytes,
        problem: { kind: 'page-id', found: `it says that it is page ${named}` },
      };
    }
    const flags = bytes.readUInt16LE(start + 8);
    if (flags !== 1 && flags !== 2) {
      const found = `its flags are 0x${flags.toString(16)}, not those of a branch or leaf`;
      return { sizeBytes: pageSizeBytes, problem: { kind: 'wrong-type', found } };
    }
    const overflow = bytes.readUInt32LE(start + 12);
    const sizeBytes = (overflow + 1) * pageSizeBytes;
    if (id + overflow < highWaterPage && sizeBytes <= LARGEST_PAGE_BYTES) return { sizeBytes };
    const found = `it claims ${overflow} more pages, and the last one is ${highWaterPage - 1}`;
    return { sizeBytes: pageSizeBytes, problem: { kind: 'out-of-bounds', found } };
  }

  /**
   * Fills `buffer` from `offset` on with what the file has at `position`.
   *
   * @returns How many bytes there were.
   * @throws {AgentError} `FILE_UNREADABLE`
   */
  readInto(buffer: Buffer, offset: number, position: number): number {
    let filled = offset;
    while (filled < buffer.length) {
      const bytesRead = this.#read(buffer, filled, position + filled - offset);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled - offset;
  }

  close(): void {
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #readPages(id: number, sizeBytes: number): PageBytes {
    const memory = allocatePageBytes(sizeBytes);
    const bytesRead = this.readInto(memory.bytes, 0, id * this.meta.pageSizeBytes);
    if (bytesRead === sizeBytes) return memory;
    throw damagedPage(id, `the file ends ${sizeBytes - bytesRead} bytes before its end`);
  }

  #read(buffer: Buffer, offset: number, position: number): number {
    try {
      return readSync(this.#fd, buffer, offset, buffer.length - offset, position);
    } catch (cause) {
      throw new AgentError('FILE_UNREADABLE', `${this.path} at byte ${position}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  #requireLength(): void {
    const { path, sizeBytes, meta } = this;
    const usedBytes = meta.highWaterPage * meta.pageSizeBytes;
    if (sizeBytes >= usedBytes) return;
    throw new AgentError(
      'SNAPSHOT_DAMAGED',
      `${path} has ${sizeBytes} bytes, and its ${meta.highWaterPage} pages have ${usedBytes}`,
      { details: { path, sizeBytes, usedBytes } },
    );
  }
}

/**
 * Opens a database file for reading, and proves that it is as long as it says. It stays open until `close`.
 *
 * @throws {AgentError} `FILE_UNREADABLE`, `SNAPSHOT_NOT_A_DATABASE` or `SNAPSHOT_DAMAGED`.
 */
export function openPageFile(path: string): PageFile {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `${path} could not be opened: ${messageOf(cause)}`, { cause });
  }
  try {
    return new PageFile(path, fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
