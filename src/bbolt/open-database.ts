import { AgentError } from '../base/agent-error.ts';
import { damagedPage } from './damage.ts';
import type { Meta } from './meta.ts';
import { readMetaPagesOf } from './meta-pages.ts';
import { overflowOf, parsePage, requireTreePage, type Page } from './page.ts';
import { openForReading, type ReadableFile } from './readable-file.ts';

/** A page larger than this is damage: etcd writes at most a few values into one page, each of at most one request. */
const LARGEST_PAGE_BYTES = 256 << 20;

/** A database file that is only read, page by page. Bytes behind its last page (etcd's trailer) do not matter. */
export class Database {
  readonly meta: Meta;
  readonly #file: ReadableFile;

  /** `openDatabase` makes one. */
  constructor(meta: Meta, file: ReadableFile) {
    this.meta = meta;
    this.#file = file;
  }

  /**
   * One page of a tree, with those that continue it.
   *
   * @throws {AgentError} `SNAPSHOT_DAMAGED` when it is out of range, is another page, or is no branch or leaf;
   *   `FILE_UNREADABLE` when the disk fails.
   */
  async readPage(id: number): Promise<Page> {
    const { pageSizeBytes, highWaterPage } = this.meta;
    if (id < 2 || id >= highWaterPage) {
      throw damagedPage(id, `the pages of the tree are 2 to ${highWaterPage - 1}`);
    }
    const first = await this.#read(id, pageSizeBytes);
    const named = first.readBigUInt64LE(0);
    if (named !== BigInt(id)) throw damagedPage(id, `it says that it is page ${named.toString()}`);
    const overflow = overflowOf(first);
    if (overflow === 0) return parsePage(first, id);
    const sizeBytes = (overflow + 1) * pageSizeBytes;
    if (id + overflow >= highWaterPage || sizeBytes > LARGEST_PAGE_BYTES) {
      throw damagedPage(id, `it claims ${overflow} more pages, and the last one is ${highWaterPage - 1}`);
    }
    // Judged before the rest is read: only a branch or a leaf may cost memory.
    requireTreePage(first, id);
    return parsePage(await this.#read(id, sizeBytes), id);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #read(id: number, sizeBytes: number): Promise<Buffer> {
    const bytes = await this.#file.read(id * this.meta.pageSizeBytes, sizeBytes);
    if (bytes.length === sizeBytes) return bytes;
    throw damagedPage(id, `the file ends ${sizeBytes - bytes.length} bytes before its end`);
  }
}

/**
 * Opens a database file for reading, and proves that it is as long as it says. It stays open until `close`.
 *
 * @throws {AgentError} `FILE_UNREADABLE`, `SNAPSHOT_NOT_A_DATABASE` or `SNAPSHOT_DAMAGED`.
 */
export async function openDatabase(path: string): Promise<Database> {
  const file = await openForReading(path);
  try {
    const { newest: meta } = await readMetaPagesOf(file);
    const usedBytes = meta.highWaterPage * meta.pageSizeBytes;
    const sizeBytes = await file.sizeBytes();
    if (sizeBytes < usedBytes) {
      throw new AgentError(
        'SNAPSHOT_DAMAGED',
        `${path} has ${sizeBytes} bytes, and its ${meta.highWaterPage} pages have ${usedBytes}`,
        { details: { path, sizeBytes, usedBytes } },
      );
    }
    return new Database(meta, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}
