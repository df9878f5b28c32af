import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Crc32c } from '../../support/crc32c.ts';

const METADATA = 1;
const ENTRY = 2;
const STATE = 3;
const CRC = 4;
const SNAPSHOT = 5;

const MEMBER_ID = 0x8e9e05c52164694dn;
const CLUSTER_ID = 0xcdf818194e3a8c32n;

interface Written {
  readonly bytes: Buffer;
  /** Bytes behind the record that fill it up. */
  readonly paddingBytes: number;
}

interface ImageSegment {
  readonly name: string;
  readonly records: Written[];
}

/** A write-ahead log as etcd writes it, record by record, without etcd. */
export class LogImage {
  readonly segments: ImageSegment[] = [];
  readonly #sum = new Crc32c();
  #lastIndex = 0;
  readonly #metadata: Buffer;

  constructor({ memberId = MEMBER_ID, clusterId = CLUSTER_ID } = {}) {
    this.#metadata = Buffer.concat([varintField(1, memberId), varintField(2, clusterId)]);
    this.cut();
    this.snapshot(0, 0);
  }

  entry(index: number, term: number, payload: Buffer = Buffer.alloc(0)): this {
    this.#lastIndex = index;
    const head = [varintField(1, 0n), varintField(2, BigInt(term)), varintField(3, BigInt(index))];
    return this.record(ENTRY, Buffer.concat([...head, bytesField(4, payload)]));
  }

  state(term: number, commit: number): this {
    return this.record(
      STATE,
      Buffer.concat([term, 1, commit].map((n, at) => varintField(at + 1, BigInt(n)))),
    );
  }

  snapshot(index: number, term: number): this {
    this.#lastIndex = Math.max(this.#lastIndex, index);
    return this.record(
      SNAPSHOT,
      Buffer.concat([varintField(1, BigInt(index)), varintField(2, BigInt(term))]),
    );
  }

  /** Begins the next segment, with the sum of all before it. */
  cut(): this {
    const sequence = hex16(this.segments.length);
    const firstIndex = this.segments.length === 0 ? 0 : this.#lastIndex + 1;
    this.segments.push({ name: `${sequence}-${hex16(firstIndex)}.wal`, records: [] });
    return this.record(CRC).record(METADATA, this.#metadata);
  }

  record(type: number, data?: Buffer): this {
    if (data !== undefined) this.#sum.add(data);
    const sum = this.segments.length === 1 && type === CRC ? 0 : this.#sum.value;
    const fields = [varintField(1, BigInt(type)), varintField(2, BigInt(sum))];
    const record = Buffer.concat(data === undefined ? fields : [...fields, bytesField(3, data)]);
    this.segments.at(-1)?.records.push(framed(record));
    return this;
  }

  /** Of one segment, by default the newest. */
  bytes(position = this.segments.length - 1): Buffer {
    return Buffer.concat((this.segments[position]?.records ?? []).map(({ bytes }) => bytes));
  }

  /** Where a record of the newest segment begins, and where it ends without its padding; -1 is the last one. */
  place(record: number): { start: number; end: number } {
    const { records } = this.segments.at(-1) ?? { records: [] };
    const position = record < 0 ? records.length + record : record;
    const before = records.slice(0, position).reduce((sum, { bytes }) => sum + bytes.length, 0);
    const { bytes, paddingBytes } = records[position] ?? framed(Buffer.alloc(0));
    return { start: before, end: before + bytes.length - paddingBytes };
  }

  /**
   * Writes the segments into a new directory.
   *
   * @param newest - Instead of the newest segment as it is.
   */
  async write(directory: string, newest = this.bytes()): Promise<string> {
    const wal = join(directory, 'wal');
    await mkdir(wal, { recursive: true });
    for (const [position, { name }] of this.segments.entries()) {
      const isNewest = position === this.segments.length - 1;
      await writeFile(join(wal, name), isNewest ? newest : this.bytes(position));
    }
    return wal;
  }
}

/** Entries 1 to 4 of two terms, the third of them known to be committed. */
export function smallLog(): LogImage {
  return new LogImage()
    .entry(1, 1, Buffer.from('first'))
    .entry(2, 2, Buffer.from('second'))
    .entry(3, 2, Buffer.from('third'))
    .state(2, 3)
    .entry(4, 2, Buffer.from('the last one, and a little longer'));
}

/** What etcd allocates behind its records. */
export function allocated(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(100_000)]);
}

export function framed(record: Buffer): Written {
  const paddingBytes = (8 - (record.length % 8)) % 8;
  const length = Buffer.alloc(8);
  length.writeUInt32LE(record.length, 0);
  if (paddingBytes > 0) length.writeUInt8(0x80 | paddingBytes, 7);
  return { bytes: Buffer.concat([length, record, Buffer.alloc(paddingBytes)]), paddingBytes };
}

function varintField(field: number, value: bigint): Buffer {
  return Buffer.from([field << 3, ...varint(value)]);
}

function bytesField(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(BigInt(value.length))]), value]);
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

function hex16(number: number): string {
  return number.toString(16).padStart(16, '0');
}
