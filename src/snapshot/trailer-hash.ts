import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { AgentError, messageOf } from '../base/agent-error.ts';
import type { OnBytes } from '../base/hash-file.ts';

/** etcd ends a snapshot stream with the SHA-256 of all the bytes before it (etcd-io/etcd: v3rpc/maintenance.go). */
export const TRAILER_BYTES = 32;

/** bbolt's pages are multiples of it, so a file with a trailer has 32 bytes left over (etcd: client/v3/snapshot). */
const PAGE_DIVISOR = 512;

const WINDOW_BYTES = 1 << 20;

export interface TrailerVerdict {
  readonly sizeBytes: number;
  /** Of the whole file, lower-case hex. */
  readonly sha256: string;
  /** True when the size is that of a file with a trailer. */
  readonly hasTrailerSize: boolean;
  /** True when the last 32 bytes are the SHA-256 of those before them. */
  readonly trailerFits: boolean;
  /** What the bytes before the trailer hash to, lower-case hex. */
  readonly bodySha256: string;
  readonly trailer: string;
}

/** Hashes a file once for both answers: the SHA-256 of all of it, and whether its last 32 bytes are that of the rest. */
export class TrailerHash {
  readonly #hash = createHash('sha256');
  /** The last bytes seen, not hashed yet: they may turn out to be the trailer. */
  #held: Buffer = Buffer.alloc(0);
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** `chunk` may be reused by the caller as soon as this returns. */
  update(chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    if (chunk.length < TRAILER_BYTES) {
      const joined = Buffer.concat([this.#held, chunk]);
      const cut = Math.max(0, joined.length - TRAILER_BYTES);
      this.#hash.update(joined.subarray(0, cut));
      this.#held = joined.subarray(cut);
      return;
    }
    const cut = chunk.length - TRAILER_BYTES;
    this.#hash.update(this.#held).update(chunk.subarray(0, cut));
    this.#held = Buffer.from(chunk.subarray(cut));
  }

  /** Call once, at the end. */
  finish(): TrailerVerdict {
    const bodySha256 = this.#hash.copy().digest('hex');
    const trailer = this.#held.toString('hex');
    return {
      sizeBytes: this.#sizeBytes,
      sha256: this.#hash.update(this.#held).digest('hex'),
      hasTrailerSize: this.#sizeBytes % PAGE_DIVISOR === TRAILER_BYTES,
      trailerFits: trailer === bodySha256,
      bodySha256,
      trailer,
    };
  }
}

/**
 * Reads `path` once, 1 MiB at a time, and blocks meanwhile: for a thread of its own.
 *
 * @throws {AgentError} `FILE_UNREADABLE`
 */
export function judgeTrailer(path: string, onBytes: OnBytes): TrailerVerdict {
  const hash = new TrailerHash();
  const window = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  try {
    const fd = openSync(path, 'r');
    try {
      for (;;) {
        const bytesRead = readSync(fd, window, 0, window.length, hash.sizeBytes);
        if (bytesRead === 0) return hash.finish();
        hash.update(window.subarray(0, bytesRead));
        onBytes(hash.sizeBytes);
      }
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `${path} at byte ${hash.sizeBytes}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
