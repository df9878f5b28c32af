import { continueCrc } from './checksum.ts';
import type { RecordData } from './record-data.ts';
import { decodeFrame, FRAME_LENGTH_BYTES, parseRecord, type RecordHead, type RecordType } from './record.ts';
import { WINDOW_BYTES, type SegmentFile } from './segment-file.ts';

/** A record whose sum fits. Its data changes with the next reading. */
export interface WalRecord {
  readonly type: RecordType;
  readonly data: RecordData;
}

/** What stands where a record should, and is none. */
export interface BrokenRecord {
  readonly problem: string;
  /** Where the record would end; may be beyond the file. */
  readonly end: number;
  /** What is there of its beginning is how etcd begins a record of this size, or too little to tell. */
  readonly beginsWell: boolean;
}

export type Reading =
  | { readonly kind: 'record'; readonly record: WalRecord }
  | { readonly kind: 'end' }
  | { readonly kind: 'broken'; readonly broken: BrokenRecord };

/** The sum over all records so far; unknown before the first one. */
export interface ChecksumChain {
  sum: number | undefined;
}

/** All that is looked at of an entry, a snapshot or an identity stands in its first bytes. */
const DATA_HEAD_BYTES = 256;
/** More than type, sum and the size of the data need: with fewer bytes of a record nobody can say what it is. */
export const RECORD_HEAD_BYTES = 24;

/** Reads the records of one segment, one after the other, and proves each by the sum that it carries. */
export class RecordReader {
  readonly #file: SegmentFile;
  readonly #chain: ChecksumChain;
  #offset = 0;

  /** @param chain - Goes on from segment to segment. */
  constructor(file: SegmentFile, chain: ChecksumChain) {
    this.#file = file;
    this.#chain = chain;
  }

  /** Where the next record begins, in the segment. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * The next record where it is good and all of it is at hand, as nearly all are: to wait for nothing, a million times,
   * would take longer than to read them. What else there is, `next` tells.
   */
  nextAtHand(): Reading | undefined {
    const bytes = this.#file.atHand(this.#offset);
    const frame = bytes.length < FRAME_LENGTH_BYTES ? undefined : decodeFrame(bytes);
    if (frame?.isAligned !== true) return undefined;
    const recordEnd = FRAME_LENGTH_BYTES + frame.recordBytes;
    if (recordEnd + frame.paddingBytes > bytes.length) return undefined;
    const record = bytes.subarray(FRAME_LENGTH_BYTES, recordEnd);
    const head = parseRecord(record, frame.recordBytes);
    if (head === undefined) return undefined;
    const { start, end } = head.data;
    const before = this.#chain.sum;
    const sum =
      head.type === 'crc' ? (before ?? head.crc) : continueCrc(before ?? 0, record.subarray(start, end));
    if (sum !== head.crc) return undefined;
    return this.#take(head, sum, {
      data: { bytes: record.subarray(start, end), sizeBytes: end - start },
      end: this.#offset + recordEnd + frame.paddingBytes,
    });
  }

  /**
   * The next record; `end` where the file ends or holds zeros. It moves on only after a record: asked again, it looks at
   * the same place.
   */
  async next(): Promise<Reading> {
    const start = this.#offset + FRAME_LENGTH_BYTES;
    const length = (await this.#file.view(this.#offset, FRAME_LENGTH_BYTES)).subarray(0, FRAME_LENGTH_BYTES);
    if (length.length < FRAME_LENGTH_BYTES) return atFileEnd(length, start);
    const frame = decodeFrame(length);
    if (frame === undefined) return { kind: 'end' };
    const { recordBytes, paddingBytes, isAligned } = frame;
    const end = start + recordBytes + paddingBytes;
    const bytes = await this.#beginningOf(start, recordBytes);
    const head = isAligned ? parseRecord(bytes, recordBytes) : undefined;
    if (!(await this.#file.reaches(end))) {
      const beginsWell = head !== undefined || bytes.length < RECORD_HEAD_BYTES;
      return broken(
        `a record of ${recordBytes} bytes begins there, and the file ends before`,
        end,
        beginsWell,
      );
    }
    if (head === undefined) return broken(`its ${recordBytes} bytes are no record`, end, false);
    return await this.#prove({ head, bytes, start, end });
  }

  async #beginningOf(start: number, recordBytes: number): Promise<Buffer> {
    const wantedBytes = Math.min(recordBytes, WINDOW_BYTES);
    return (await this.#file.view(start, wantedBytes)).subarray(0, wantedBytes);
  }

  async #prove(found: FoundRecord): Promise<Reading> {
    const { head, end } = found;
    const before = this.#chain.sum;
    const data = dataOf(found);
    // A segment begins with the sum of all before it: of the first one that is left, nobody can check that.
    const sum = head.type === 'crc' ? (before ?? head.crc) : await this.#sumWith(found, before ?? 0);
    if (sum === undefined) return broken('the file was cut while it was read', end);
    if (sum !== head.crc) {
      return broken(`the sum up to it is ${hex(sum)}, the ${head.type} record says ${hex(head.crc)}`, end);
    }
    return this.#take(head, sum, { data, end });
  }

  #take({ type }: RecordHead, sum: number, found: { data: RecordData; end: number }): Reading {
    this.#chain.sum = sum;
    this.#offset = found.end;
    return { kind: 'record', record: { type, data: found.data } };
  }

  /** The sum with this record's data, a window at a time; `undefined` when the file ends before. */
  async #sumWith({ head, bytes, start }: FoundRecord, before: number): Promise<number | undefined> {
    let sum = continueCrc(before, bytes.subarray(head.data.start, head.data.end));
    for (let at = start + bytes.length; at < start + head.data.end;) {
      const part = (await this.#file.view(at, 1)).subarray(0, start + head.data.end - at);
      if (part.length === 0) return undefined;
      sum = continueCrc(sum, part);
      at += part.length;
    }
    return sum;
  }
}

interface FoundRecord {
  readonly head: RecordHead;
  /** As much of its beginning as fits into a window. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

function dataOf({ head, bytes }: FoundRecord): RecordData {
  const { start, end } = head.data;
  const beginning = bytes.subarray(start, Math.min(end, start + DATA_HEAD_BYTES));
  // The window moves on over a record that it cannot hold.
  return {
    bytes: end > bytes.length ? Buffer.from(beginning) : beginning,
    sizeBytes: end - start,
  };
}

/** Fewer than the 8 bytes of a length are left. */
function atFileEnd(rest: Buffer, end: number): Reading {
  if (rest.every((byte) => byte === 0)) return { kind: 'end' };
  return broken(`the file ends ${rest.length} bytes into the next record`, end);
}

function broken(problem: string, end: number, beginsWell = true): Reading {
  return { kind: 'broken', broken: { problem, end, beginsWell } };
}

function hex(sum: number): string {
  return sum.toString(16).padStart(8, '0');
}
