import { AgentError } from '../base/agent-error.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { EtcdConnection } from './connection.ts';
import type { SnapshotChunk } from './snapshot-chunk.ts';

/**
 * A member's database as `Maintenance.Snapshot` sends it: the file in chunks, then its SHA-256 in a chunk of its own
 * (etcd-io/etcd:server/etcdserver/api/v3rpc/maintenance.go). Nothing is dialled before the first chunk is asked for.
 *
 * Not reading stops the server, which keeps its read transaction: pages that were in use at the first chunk stay
 * as they are in the file until the stream ends.
 */
export interface SnapshotStream {
  /**
   * Once. Leaving the loop ends the call. A normal end means that gRPC's status was OK; what arrived is the caller's to prove.
   *
   * The iterator throws `AgentError`: `CANCELLED` after `cancel` or the signal, `ETCD_UNREACHABLE` when the connection is cut, `ETCD_AUTH_FAILED`, …
   */
  [Symbol.asyncIterator](): AsyncIterator<SnapshotChunk>;
  /** Ends the call and its connection now, also while nobody reads. */
  cancel(): void;
}

/** @param signal - Ends the stream as `cancel` does. */
export function openSnapshotStream(connection: EtcdConnection, signal: AbortSignal): SnapshotStream {
  const cancelled = new AbortController();
  const either = AbortSignal.any([signal, cancelled.signal]);
  let isTaken = false;
  return {
    [Symbol.asyncIterator]: () => {
      if (isTaken) throw new AgentError('INTERNAL', 'a snapshot stream can be read only once');
      isTaken = true;
      return readChunks(connection, either);
    },
    cancel: () => {
      cancelled.abort();
    },
  };
}

async function* readChunks(connection: EtcdConnection, signal: AbortSignal): AsyncGenerator<SnapshotChunk> {
  const { reader, first } = await connection.withToken({ signal }, (token) =>
    openReader(connection, { token, signal }),
  );
  try {
    for (let chunk = first; chunk !== undefined; chunk = await reader.read()) yield chunk;
  } finally {
    reader.close();
  }
}

/** With its first chunk, because only that shows whether the token was accepted. */
async function openReader(
  connection: EtcdConnection,
  { token, signal }: { readonly token: string | undefined; readonly signal: AbortSignal },
): Promise<{ reader: ChunkReader; first: SnapshotChunk | undefined }> {
  const channel = await connection.openStreamChannel();
  const reader = new ChunkReader(channel, { endpoint: connection.endpoint, token, signal });
  try {
    return { reader, first: await reader.read() };
  } catch (error) {
    reader.close();
    throw error;
  }
}
