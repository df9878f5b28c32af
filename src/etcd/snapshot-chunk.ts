import { AgentError } from '../base/agent-error.ts';
import { bytesIn, numberIn, parseMessage } from '../base/protobuf-message.ts';

/** One message of `Maintenance.Snapshot`. */
export interface SnapshotChunk {
  /** A view into the message, not a copy: while it is held, so are the 32 KiB around it. */
  readonly blob: Buffer;
  /** Of the database, after this chunk. 0 in the last chunk of the database and in the SHA-256 that follows. */
  readonly remainingBytes: number;
}

const REMAINING_BYTES_FIELD = 2;
const BLOB_FIELD = 3;
const SHOWN_BYTES = 16;

/**
 * Decodes a `SnapshotResponse` without copying the blob, which is all but a few of its bytes. Fields that a later etcd
 * adds are skipped; of a field that comes twice the last counts, as protobuf says.
 *
 * @throws {AgentError} `ETCD_REFUSED` when it is no such message.
 */
export function decodeSnapshotChunk(message: Buffer): SnapshotChunk {
  const fields = parseMessage(message);
  const remainingBytes = fields && numberIn(fields, REMAINING_BYTES_FIELD);
  const blob = fields && bytesIn(fields, BLOB_FIELD);
  if (remainingBytes !== undefined && blob !== undefined)
    return { blob: message.subarray(blob.start, blob.end), remainingBytes };
  const begin = message.toString('hex', 0, SHOWN_BYTES);
  throw new AgentError(
    'ETCD_REFUSED',
    `a message of ${message.length} bytes in the snapshot stream is no SnapshotResponse; it begins ${begin}`,
  );
}
