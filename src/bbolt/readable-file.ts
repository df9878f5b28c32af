import { open, type FileHandle } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';

/** An open file and its path, so that each failure can name it. */
export class ReadableFile {
  readonly path: string;
  readonly #handle: FileHandle;

  /** `openForReading` makes one. */
  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /**
   * The bytes at `position`: `sizeBytes` of them, or fewer where the file ends.
   *
   * @throws {AgentError} `FILE_UNREADABLE`
   */
  async read(position: number, sizeBytes: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(sizeBytes);
    let filled = 0;
    while (filled < sizeBytes) {
      const bytesRead = await this.#readInto(buffer.subarray(filled), position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #readInto(buffer: Buffer, position: number): Promise<number> {
    try {
      return (await this.#handle.read(buffer, 0, buffer.length, position)).bytesRead;
    } catch (cause) {
      throw new AgentError('FILE_UNREADABLE', `${this.path} at byte ${position}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

/** @throws {AgentError} `FILE_UNREADABLE` */
export async function openForReading(path: string): Promise<ReadableFile> {
  try {
    return new ReadableFile(path, await open(path, 'r'));
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `${path} could not be opened: ${messageOf(cause)}`, { cause });
  }
}
