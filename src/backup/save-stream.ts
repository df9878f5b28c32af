import { open, rm, type FileHandle } from 'node:fs/promises';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { OnBytes } from '../base/hash-file.ts';
import type { SnapshotStream } from '../etcd/snapshot-stream.ts';
import { TRAILER_BYTES, TrailerHash, type TrailerVerdict } from '../snapshot/trailer-hash.ts';
import { OverlappedWriter } from './overlapped-writer.ts';
import { whileProgressing } from './progress-watch.ts';

export interface SaveStreamOptions {
  /** No byte for this long fails the save. */
  readonly stallMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onBytes?: OnBytes;
}

/**
 * Writes a member's snapshot stream to `path`, synced, and proves it while it arrives. One pass, two buffers of
 * 1 MiB: memory does not grow with the database, and etcd is read no faster than this disk writes.
 *
 * @param stream - Cancelled when this throws.
 * @param path - Must not exist; removed again when this throws.
 * @returns Size and SHA-256 of the whole file, trailer included.
 * @throws {AgentError} `SNAPSHOT_TRUNCATED`, `SNAPSHOT_HASH_MISMATCH`, `SNAPSHOT_STALLED`, `CANCELLED`, `NO_SPACE`, or
 *   what the stream itself threw (`ETCD_…`).
 * @see etcd-io/etcd: server/etcdserver/api/v3rpc/maintenance.go for what the server sends.
 */
export async function saveStream(
  stream: SnapshotStream,
  path: string,
  options: SaveStreamOptions,
): Promise<{ sizeBytes: number; sha256: string }> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'wx', 0o600);
    return await saveInto(file, stream, options);
  } catch (error) {
    stream.cancel();
    if (file !== undefined) await rm(path, { force: true });
    throw explain(error, path);
  } finally {
    await file?.close();
  }
}

async function saveInto(
  file: FileHandle,
  stream: SnapshotStream,
  options: SaveStreamOptions,
): Promise<{ sizeBytes: number; sha256: string }> {
  const proof = new TrailerHash();
  const writer = new OverlappedWriter(file, (block) => {
    proof.update(block);
  });
  try {
    const watch = { ...options, what: 'no byte of the snapshot moved' };
    const announcedBytes = await whileProgressing(watch, (signal, onProgress) =>
      readInto(writer, stream, {
        signal,
        onBytes: (bytes) => {
          onProgress();
          options.onBytes?.(bytes);
        },
      }),
    );
    // Judged before the last sync: a file that is refused need not reach the disk.
    await writer.flush();
    const verdict = proof.finish();
    refuseUnproved(verdict, announcedBytes);
    await writer.end();
    return { sizeBytes: verdict.sizeBytes, sha256: verdict.sha256 };
  } finally {
    await writer.settle();
  }
}

/** @returns How many bytes etcd said there would be, trailer not counted; `undefined` when no message came. */
async function readInto(
  writer: OverlappedWriter,
  stream: SnapshotStream,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes: OnBytes },
): Promise<number | undefined> {
  const cancel = (): void => {
    stream.cancel();
  };
  signal.addEventListener('abort', cancel, { once: true });
  let announcedBytes: number | undefined;
  try {
    for await (const { blob, remainingBytes } of stream) {
      announcedBytes ??= blob.length + remainingBytes;
      await writer.append(blob);
      onBytes(writer.sizeBytes);
    }
    // A cancelled stream may also end as if it were complete.
    signal.throwIfAborted();
    return announcedBytes;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function refuseUnproved(found: TrailerVerdict, announcedBytes: number | undefined): void {
  const { sizeBytes } = found;
  const wantedBytes = announcedBytes === undefined ? undefined : announcedBytes + TRAILER_BYTES;
  if (!found.hasTrailerSize || sizeBytes !== wantedBytes) {
    throw new AgentError(
      'SNAPSHOT_TRUNCATED',
      `the stream ended after ${sizeBytes} bytes, and etcd had announced ${wantedBytes ?? 'nothing'}`,
      { details: { sizeBytes } },
    );
  }
  if (found.trailerFits) return;
  throw new AgentError(
    'SNAPSHOT_HASH_MISMATCH',
    `the bytes that arrived hash to ${found.bodySha256}, the trailer says ${found.trailer}`,
  );
}

function explain(error: unknown, path: string): unknown {
  const code = systemCodeOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new AgentError('NO_SPACE', `${path} could not be written: ${messageOf(error)}`, { cause: error });
}
