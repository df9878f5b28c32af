import { bytesIn, numberIn, parseMessage, type Span } from '../base/protobuf-message.ts';

/** etcd: server/storage/wal/wal.go, MetadataType and its neighbours; they begin at 1. */
const RECORD_TYPES = ['metadata', 'entry', 'state', 'crc', 'snapshot'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

export const FRAME_LENGTH_BYTES = 8;

/** What stands before a record: its size, and how many bytes fill it up to a multiple of 8. */
export interface Frame {
  readonly recordBytes: number;
  readonly paddingBytes: number;
  /** The padding is the one that etcd gives a record of this size (etcd: server/storage/wal/encoder.go). */
  readonly isAligned: boolean;
}

/** A record's own words: the protobuf message walpb.Record. */
export interface RecordHead {
  readonly type: RecordType;
  /** The sum over the data of all records up to this one. */
  readonly crc: number;
  /** Where its data lies, from the record's first byte on. */
  readonly data: Span;
}

const TYPE_FIELD = 1;
const CRC_FIELD = 2;
const DATA_FIELD = 3;
const LARGEST_CRC = 0xffff_ffff;

/**
 * Decodes the 8 bytes before a record, little-endian: the lower 56 bits are its size; where the highest bit is set, the
 * three lowest of the last byte count the padding (etcd: server/storage/wal/decoder.go, decodeFrameSize).
 *
 * @returns `undefined` for 8 zeros: what etcd allocated and did not write yet.
 */
export function decodeFrame(bytes: Buffer): Frame | undefined {
  const low = bytes.readUInt32LE(0);
  const high = bytes.readUInt32LE(4);
  if (low === 0 && high === 0) return undefined;
  const recordBytes = (high & 0xff_ffff) * 2 ** 32 + low;
  const neededBytes = -low & 7;
  const lastByte = high >>> 24;
  return {
    recordBytes,
    paddingBytes: lastByte >= 0x80 ? lastByte & 7 : 0,
    isAligned: lastByte === (neededBytes === 0 ? 0 : 0x80 | neededBytes),
  };
}

/**
 * @param bytes - The record, or as much of its beginning as is at hand.
 * @returns `undefined` when no etcd writes such a record.
 */
export function parseRecord(bytes: Buffer, recordBytes: number): RecordHead | undefined {
  const message = parseMessage(bytes, recordBytes);
  if (message === undefined) return undefined;
  const type = RECORD_TYPES[(numberIn(message, TYPE_FIELD) ?? 0) - 1];
  const crc = numberIn(message, CRC_FIELD);
  const data = bytesIn(message, DATA_FIELD);
  if (type === undefined || crc === undefined || crc > LARGEST_CRC || data === undefined) return undefined;
  return { type, crc, data };
}
