import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import { PARTIAL_SUFFIX, renameDurably } from '../base/durable-file.ts';

const BUFFER_BYTES = 1024 * 1024;
/** Little by little, so that the end does not wait for gigabytes and etcd's own syncs are not held up by ours. */
const SYNC_EVERY_BYTES = 32 * 1024 * 1024;

/**
 * A file that grows at its end while its SHA-256 is kept up. Two buffers take turns: one fills while the other is hashed and
 * written, so memory stays flat. What is there already is hashed on opening; whether it belongs there shows at the end.
 */
export class PartialFile {
  readonly path: string;
  readonly #target: string;
  readonly #file: FileHandle;
  #hash: Hash = createHash('sha256');
  /** Bytes hashed and handed to the disk. */
  #storedBytes = 0;
  #filling = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #spare = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filledBytes = 0;
  #unsyncedBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> = Promise.resolve();

  private constructor(target: string, file: FileHandle) {
    this.#target = target;
    this.path = target + PARTIAL_SUFFIX;
    this.#file = file;
  }

  /**
   * Opens or creates `target.partial`, mode 0600, and hashes what it holds. More than `mostBytes` cannot be a beginning and is
   * thrown away.
   */
  static async open(target: string, mostBytes: number, signal: AbortSignal): Promise<PartialFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    const file = await open(target + PARTIAL_SUFFIX, flags, 0o600);
    try {
      const partial = new PartialFile(target, file);
      await file.chmod(0o600);
      const { size } = await file.stat();
      if (size > mostBytes) await partial.restart();
      else await partial.#hashPresent(size, signal);
      return partial;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes taken so far. */
  get sizeBytes(): number {
    return this.#storedBytes + this.#filledBytes;
  }

  /**
   * Takes bytes; the caller's buffer may be used again when this returns. A promise comes back when the disk is behind: wait
   * for it before the next bytes.
   *
   * @throws {AgentError} `NO_SPACE`, or `FILE_UNREADABLE` for any other failure of the disk.
   */
  append(bytes: Buffer): Promise<void> | undefined {
    const copied = bytes.copy(this.#filling, this.#filledBytes);
    this.#filledBytes += copied;
    if (this.#filledBytes < BUFFER_BYTES) return undefined;
    return this.#turnAndTake(Buffer.from(bytes.subarray(copied)));
  }

  /** Writes what is still in memory, so that a later call finds every byte that was taken. */
  async flush(): Promise<void> {
    if (this.#filledBytes > 0) await this.#turn();
    await this.#writing;
    await this.#syncing;
  }

  /** Flushes and syncs. @returns SHA-256 of the whole, in lower-case hex. */
  async finish(): Promise<string> {
    await this.flush();
    await storing(this.path, this.#file.sync());
    return this.#hash.copy().digest('hex');
  }

  /** Back to no bytes at all. */
  async restart(): Promise<void> {
    this.#filledBytes = 0;
    await this.#writing.catch(() => undefined);
    await this.#syncing.catch(() => undefined);
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#storedBytes = 0;
    this.#unsyncedBytes = 0;
  }

  /** Call after `finish`: the file gets its own name, durably. */
  async publish(): Promise<void> {
    await renameDurably(this.path, this.#target);
  }

  async discard(): Promise<void> {
    await rm(this.path, { force: true });
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#syncing.catch(() => undefined);
    await this.#file.close();
  }

  async #turnAndTake(rest: Buffer): Promise<void> {
    await this.#turn();
    if (rest.length > 0) await this.append(rest);
  }

  async #turn(): Promise<void> {
    const full = this.#filling.subarray(0, this.#filledBytes);
    // The other buffer is free once its write has ended. A failed write or sync surfaces here, or in `flush`.
    await this.#writing;
    this.#hash.update(full);
    const position = this.#storedBytes;
    this.#storedBytes += full.length;
    this.#filledBytes = 0;
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    this.#writing = storing(this.path, this.#write(full, position));
    this.#writing.catch(() => undefined);
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        written,
        bytes.length - written,
        position + written,
      );
      written += bytesWritten;
    }
    this.#unsyncedBytes += bytes.length;
    if (this.#unsyncedBytes < SYNC_EVERY_BYTES) return;
    this.#unsyncedBytes = 0;
    await this.#syncing;
    this.#syncing = storing(this.path, this.#file.datasync());
    this.#syncing.catch(() => undefined);
  }

  async #hashPresent(sizeBytes: number, signal: AbortSignal): Promise<void> {
    while (this.#storedBytes < sizeBytes) {
      signal.throwIfAborted();
      const { bytesRead } = await this.#file.read(this.#spare, 0, BUFFER_BYTES, this.#storedBytes);
      if (bytesRead === 0) break;
      this.#hash.update(this.#spare.subarray(0, bytesRead));
      this.#storedBytes += bytesRead;
    }
  }
}

async function storing<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const osCode = systemCodeOf(cause) ?? '';
    const code = ['ENOSPC', 'EDQUOT'].includes(osCode) ? 'NO_SPACE' : 'FILE_UNREADABLE';
    throw new AgentError(code, `${path}: ${messageOf(cause)}`, { cause, details: { path } });
  }
}
