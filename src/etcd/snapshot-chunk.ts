import { AgentError } from '../base/agent-error.ts';

/** One message of `Maintenance.Snapshot`. */
export interface SnapshotChunk {
  /** A view into the message, not a copy: while it is held, so are the 32 KiB around it. */
  readonly blob: Buffer;
  /** Of the database, after this chunk. 0 in the last chunk of the database and in the SHA-256 that follows. */
  readonly remainingBytes: number;
}

const REMAINING_BYTES_FIELD = 2;
const BLOB_FIELD = 3;

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

const LONGEST_VARINT = 10;

/**
 * Decodes a `SnapshotResponse` without copying the blob, which is all but a few of its bytes. Fields that a later etcd
 * adds are skipped; of a field that comes twice the last counts, as protobuf says.
 *
 * @throws {AgentError} `ETCD_REFUSED` when it is not a protobuf message.
 */
export function decodeSnapshotChunk(message: Buffer): SnapshotChunk {
  const cursor: Cursor = { message, offset: 0 };
  let blob = message.subarray(0, 0);
  let remainingBytes = 0;
  while (cursor.offset < message.length) {
    const tag = readVarint(cursor);
    const field = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (field === BLOB_FIELD && wireType === LENGTH_DELIMITED) blob = readBytes(cursor);
    else if (field === REMAINING_BYTES_FIELD && wireType === VARINT) remainingBytes = readExact(cursor);
    else skip(cursor, field, wireType);
  }
  return { blob, remainingBytes };
}

interface Cursor {
  readonly message: Buffer;
  offset: number;
}

/** Exact up to 2^53; beyond, only its length is right. */
function readVarint(cursor: Cursor): number {
  let value = 0;
  for (let index = 0; index < LONGEST_VARINT; index += 1) {
    const byte = cursor.message[cursor.offset];
    if (byte === undefined) throw malformed(cursor, 'a number is cut off');
    cursor.offset += 1;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return value;
  }
  throw malformed(cursor, 'a number has more than 10 bytes');
}

function readExact(cursor: Cursor): number {
  const value = readVarint(cursor);
  if (!Number.isSafeInteger(value)) throw malformed(cursor, `the remaining bytes are ${value}`);
  return value;
}

function readBytes(cursor: Cursor): Buffer {
  const length = readVarint(cursor);
  return take(cursor, length);
}

function take(cursor: Cursor, length: number): Buffer {
  const end = cursor.offset + length;
  if (end > cursor.message.length) throw malformed(cursor, `a field has ${length} bytes and is cut off`);
  const bytes = cursor.message.subarray(cursor.offset, end);
  cursor.offset = end;
  return bytes;
}

function skip(cursor: Cursor, field: number, wireType: number): void {
  if (field === 0) throw malformed(cursor, 'a field has the number 0');
  switch (wireType) {
    case VARINT:
      readVarint(cursor);
      return;
    case FIXED_64:
      take(cursor, 8);
      return;
    case LENGTH_DELIMITED:
      readBytes(cursor);
      return;
    case FIXED_32:
      take(cursor, 4);
      return;
    default:
      throw malformed(cursor, `field ${field} has the wire type ${wireType}`);
  }
}

function malformed({ message, offset }: Cursor, found: string): AgentError {
  return new AgentError(
    'ETCD_REFUSED',
    `a snapshot message of ${message.length} bytes is damaged near byte ${offset}: ${found}`,
  );
}
