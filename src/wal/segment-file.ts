import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { asAgentError } from '../base/agent-error.ts';
import { unreadableWal } from './wal-errors.ts';

/** What is read of a segment at a time, and the most that is held of it. */
export const WINDOW_BYTES = 1 << 20;

const ZEROS = Buffer.alloc(WINDOW_BYTES);

/**
 * One segment, open for reading, through a window of 1 MiB. Every read heeds the signal.
 *
 * `openSegment` makes one; its methods throw `WAL_UNREADABLE` when the disk fails, and `CANCELLED`.
 */
export class SegmentFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #signal: AbortSignal;
  readonly #buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  #sizeBytes = 0;
  #start = 0;
  #filledBytes = 0;

  constructor(path: string, handle: FileHandle, signal: AbortSignal) {
    this.path = path;
    this.#handle = handle;
    this.#signal = signal;
  }

  /** Whether the file is as long as `end`: etcd lengthens a segment for an entry that does not fit. */
  async reaches(end: number): Promise<boolean> {
    if (end > this.#sizeBytes) this.#sizeBytes = await this.#size();
    return end <= this.#sizeBytes;
  }

  /**
   * The bytes from `offset` on that are at hand: `wantedBytes` (at most a window) or more, fewer only where the file
   * ends. They change with the next call.
   */
  async view(offset: number, wantedBytes: number): Promise<Buffer> {
    const end = this.#start + this.#filledBytes;
    if (offset < this.#start || offset + wantedBytes > end) await this.#fill(offset);
    return this.#buffer.subarray(offset - this.#start, this.#filledBytes);
  }

  /** The bytes from `offset` on that were read already: perhaps none. */
  atHand(offset: number): Buffer {
    const from = offset - this.#start;
    return this.#buffer.subarray(from < 0 ? this.#filledBytes : from, this.#filledBytes);
  }

  /** What is at hand is dropped: the next view shows what is in the file by then. */
  forget(): void {
    this.#filledBytes = 0;
  }

  /** Whether there are only zeros from `offset` to `end`, or to the end of the file where that comes first. */
  async isZero(offset: number, end: number): Promise<boolean> {
    for (let at = offset; at < end;) {
      const seen = await this.view(at, 1);
      const part = seen.subarray(0, Math.min(seen.length, end - at));
      if (part.length === 0) return true;
      if (!part.equals(ZEROS.subarray(0, part.length))) return false;
      at += part.length;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #size(): Promise<number> {
    try {
      return (await this.#handle.stat()).size;
    } catch (cause) {
      throw unreadableWal(this.path, cause);
    }
  }

  async #fill(offset: number): Promise<void> {
    this.#start = offset;
    this.#filledBytes = 0;
    while (this.#filledBytes < WINDOW_BYTES) {
      const bytesRead = await this.#read(this.#filledBytes, offset + this.#filledBytes);
      if (bytesRead === 0) return;
      this.#filledBytes += bytesRead;
    }
  }

  async #read(at: number, position: number): Promise<number> {
    if (this.#signal.aborted) throw asAgentError(this.#signal.reason, 'CANCELLED');
    try {
      return (await this.#handle.read(this.#buffer, at, WINDOW_BYTES - at, position)).bytesRead;
    } catch (cause) {
      throw unreadableWal(this.path, cause);
    }
  }
}

/**
 * Opens a segment where it is a file of its own: a link is not followed, and a pipe would hold the open for ever.
 *
 * @throws {AgentError} `WAL_UNREADABLE`
 */
export async function openSegment(path: string, signal: AbortSignal): Promise<SegmentFile> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!(await handle.stat()).isFile()) throw new Error('it is not a regular file');
    return new SegmentFile(path, handle, signal);
  } catch (cause) {
    await handle?.close();
    throw unreadableWal(path, cause);
  }
}
