import type { FileHandle } from 'node:fs/promises';

const BUFFER_BYTES = 1 << 20;
/** Larger writes made the kernel spend two to four times the CPU on the same bytes (Linux 6.18, ext4). */
const WRITE_BYTES = 128 << 10;
/** Small steps of write-back: one sync of gigabytes at the end would stall the etcd on the same disk. */
const SYNC_EACH_BYTES = 32 << 20;

/**
 * Appends to a file through two reused buffers: one is written and hashed while the other fills. What is handed in is
 * copied before `append` resolves and never held: held message buffers are freed late, and the process grew with the database.
 * A sync runs beside the writes that follow it, and at most one at a time.
 */
export class OverlappedWriter {
  readonly #file: FileHandle;
  readonly #onBlock: (block: Buffer) => void;
  #filling = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #spare = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filledBytes = 0;
  #position = 0;
  #unsyncedBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> = Promise.resolve();

  /** @param onBlock - Sees all bytes in order, up to 1 MiB at a time; the buffer is reused after it returns. */
  constructor(file: FileHandle, onBlock: (block: Buffer) => void) {
    this.#file = file;
    this.#onBlock = onBlock;
  }

  /** Bytes taken so far, written or not. */
  get sizeBytes(): number {
    return this.#position + this.#filledBytes;
  }

  /** Takes `bytes`; resolves at once unless the disk is behind. Rejects with an earlier write's or sync's error. */
  async append(bytes: Buffer): Promise<void> {
    for (let taken = 0; taken < bytes.length;) {
      const copied = bytes.copy(this.#filling, this.#filledBytes, taken);
      taken += copied;
      this.#filledBytes += copied;
      if (this.#filledBytes === BUFFER_BYTES) await this.flush();
    }
  }

  /** Writes what is left and syncs the file. */
  async end(): Promise<void> {
    await this.flush();
    await this.#writing;
    await this.#syncing;
    await this.#file.sync();
  }

  /** Resolves when nothing of it runs any more, whatever happened: only then may the file be closed. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#writing]);
    await Promise.allSettled([this.#syncing]);
  }

  /** Hands the filled buffer to the disk: afterwards `onBlock` has seen every byte that was appended. */
  async flush(): Promise<void> {
    // The spare buffer is free, and earlier failures are known, once the write before this one has ended.
    await this.#writing;
    if (this.#filledBytes === 0) return;
    const block = this.#filling.subarray(0, this.#filledBytes);
    this.#writing = this.#write(block, this.#position);
    // A failure is thrown by the next flush; until then it is not unhandled.
    this.#writing.catch(() => undefined);
    this.#onBlock(block);
    this.#position += block.length;
    this.#filledBytes = 0;
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
  }

  async #write(block: Buffer, position: number): Promise<void> {
    for (let written = 0; written < block.length;) {
      const length = Math.min(WRITE_BYTES, block.length - written);
      const { bytesWritten } = await this.#file.write(block, written, length, position + written);
      written += bytesWritten;
    }
    this.#unsyncedBytes += block.length;
    if (this.#unsyncedBytes < SYNC_EACH_BYTES) return;
    this.#unsyncedBytes = 0;
    await this.#syncing;
    this.#syncing = this.#file.datasync();
    this.#syncing.catch(() => undefined);
  }
}
