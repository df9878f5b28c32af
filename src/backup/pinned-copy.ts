import { open, rm, type FileHandle } from 'node:fs/promises';
import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { copyFileDurably } from '../base/copy-file.ts';
import type { OnBytes } from '../base/hash-file.ts';
import { decodeMetaPages, type MetaPages } from '../bbolt/meta-pages.ts';
import type { SnapshotChunk } from '../etcd/snapshot-chunk.ts';
import type { SnapshotStream } from '../etcd/snapshot-stream.ts';
import { TRAILER_BYTES } from '../snapshot/trailer-hash.ts';
import type { CopiedDatabase } from './copied-database.ts';
import { whileProgressing } from './progress-watch.ts';
import { saveStream } from './save-stream.ts';

export interface PinnedCopyOptions {
  readonly stallMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onBytes: OnBytes;
}

/**
 * More than etcd can have sent without being read: the stream's window of 1 MiB, and what both sides buffer. A stream
 * that still gives more than this had a server behind it, with its read transaction, until just before.
 */
const IN_FLIGHT_BYTES = 2 << 20;

/**
 * Copies the database file of a running member while an unread snapshot stream pins its state: etcd keeps the stream's
 * read transaction, so bbolt reuses no page of that state, and the stream begins with that state's own meta pages,
 * which replace those of the copy. Pages behind the state's high-water mark are cut off.
 *
 * A database so small that etcd could send it whole, and unpin it, is taken from the stream instead; it is the same
 * file. Its trailer is compared and cut off.
 *
 * @param openStream - Called once, twice for a small database.
 * @param to - Must not exist; removed again when this throws.
 * @throws {AgentError} `COPY_TORN` when the pin did not hold; `SNAPSHOT_STALLED`, `ETCD_…` when there is no stream to be
 *   had; as `copyFileDurably`.
 */
export async function copyPinned(
  openStream: () => SnapshotStream,
  { from, to }: { readonly from: string; readonly to: string },
  options: PinnedCopyOptions,
): Promise<CopiedDatabase> {
  const pin = new Pin(openStream());
  try {
    const state = await watched(options, () => pin.hold(), pin);
    if (state.bodyBytes < 2 * IN_FLIGHT_BYTES) {
      pin.release();
      return await takeWhole(openStream(), to, options);
    }
    const { signal, onBytes } = options;
    const copy = await copyFileDurably(from, to, { signal, onBytes });
    try {
      await watched(options, () => pin.confirm(), pin);
      await setState(to, copy.sizeBytes, state.metaPages);
      return { method: 'pinned-copy', reflinked: copy.method === 'reflink' };
    } catch (error) {
      await rm(to, { force: true });
      throw error;
    }
  } finally {
    pin.release();
  }
}

interface PinnedState {
  readonly metaPages: MetaPages;
  readonly bodyBytes: number;
}

/** One unread stream. */
class Pin {
  readonly #stream: SnapshotStream;
  readonly #chunks: AsyncIterator<SnapshotChunk>;

  constructor(stream: SnapshotStream) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Reads little more than the meta pages. `bodyBytes`: the database, as long as etcd announced it. */
  async hold(): Promise<PinnedState> {
    const { blob, remainingBytes } = await this.#next();
    const bodyBytes = blob.length + remainingBytes;
    let head = blob;
    let metaPages = decodeMetaPages(head);
    while (metaPages === undefined) {
      head = Buffer.concat([head, (await this.#next()).blob]);
      metaPages = decodeMetaPages(head);
    }
    return { metaPages, bodyBytes };
  }

  /** Resolves when etcd still had more to send. @throws {AgentError} `COPY_TORN`, or what the stream ended with. */
  async confirm(): Promise<void> {
    for (let readBytes = 0; readBytes <= IN_FLIGHT_BYTES;) readBytes += (await this.#next()).blob.length;
  }

  release(): void {
    this.#stream.cancel();
  }

  async #next(): Promise<SnapshotChunk> {
    const next = await this.#chunks.next();
    if (next.done !== true) return next.value;
    throw new AgentError('COPY_TORN', 'the stream that pins the database ended early');
  }
}

async function watched<T>(options: PinnedCopyOptions, work: () => Promise<T>, pin: Pin): Promise<T> {
  const watch = { ...options, what: 'the stream that pins the database gave nothing' };
  return await whileProgressing(watch, async (signal) => {
    const release = (): void => {
      pin.release();
    };
    signal.addEventListener('abort', release, { once: true });
    try {
      return await work();
    } finally {
      signal.removeEventListener('abort', release);
    }
  });
}

async function takeWhole(
  stream: SnapshotStream,
  to: string,
  options: PinnedCopyOptions,
): Promise<CopiedDatabase> {
  const { sizeBytes } = await saveStream(stream, to, options);
  await changeFile(to, (file) => file.truncate(sizeBytes - TRAILER_BYTES));
  return { method: 'pinned-copy', reflinked: false };
}

/** Makes the copy begin with the metas of the pinned state, and end where that state ends. */
async function setState(path: string, sizeBytes: number, { newest, bytes }: MetaPages): Promise<void> {
  const usedBytes = newest.highWaterPage * newest.pageSizeBytes;
  if (sizeBytes < usedBytes) {
    throw new AgentError(
      'COPY_TORN',
      `${sizeBytes} bytes were copied, and the database had ${usedBytes} when the copy began`,
    );
  }
  await changeFile(path, async (file) => {
    await file.truncate(usedBytes);
    await file.write(bytes, 0, bytes.length, 0);
  });
}

async function changeFile(path: string, change: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await change(file);
    await file.sync();
  } finally {
    await file.close();
  }
}
