import { writeFile } from 'node:fs/promises';
import { fnv1a64 } from '../../../src/bbolt/fnv.ts';

/** A database built byte by byte, so that a test can say exactly what is wrong with it. */
export class DatabaseImage {
  readonly bytes: Buffer;
  readonly pageSizeBytes: number;

  constructor(pages: number, pageSizeBytes = 4096) {
    this.pageSizeBytes = pageSizeBytes;
    this.bytes = Buffer.alloc(pages * pageSizeBytes);
    this.meta(0, 1n);
    this.meta(1, 2n);
  }

  meta(
    page: 0 | 1,
    transactionId: bigint,
    change: { rootPage?: bigint; highWaterPage?: bigint; freelistPage?: bigint } = {},
  ): this {
    const pages = BigInt(this.bytes.length / this.pageSizeBytes);
    const meta = this.bytes.subarray(page * this.pageSizeBytes + 16);
    this.#header(page, 0x04, 0, 0);
    meta.writeUInt32LE(0xed0cdaed, 0);
    meta.writeUInt32LE(2, 4);
    meta.writeUInt32LE(this.pageSizeBytes, 8);
    meta.writeBigUInt64LE(change.rootPage ?? 2n, 16);
    meta.writeBigUInt64LE(change.freelistPage ?? 0xffff_ffff_ffff_ffffn, 32);
    meta.writeBigUInt64LE(change.highWaterPage ?? pages, 40);
    meta.writeBigUInt64LE(transactionId, 48);
    meta.writeBigUInt64LE(fnv1a64(meta.subarray(0, 56)), 56);
    return this;
  }

  leaf(
    page: number,
    elements: readonly (readonly [string, string | Buffer, 'bucket'?])[],
    overflow = 0,
  ): this {
    leafPage(elements).copy(this.bytes, page * this.pageSizeBytes);
    this.bytes.writeBigUInt64LE(BigInt(page), page * this.pageSizeBytes);
    this.bytes.writeUInt32LE(overflow, page * this.pageSizeBytes + 12);
    return this;
  }

  branch(page: number, children: readonly (readonly [string, number | bigint])[]): this {
    const at = page * this.pageSizeBytes;
    this.#header(page, 0x01, children.length, 0);
    let data = at + 16 + children.length * 16;
    children.forEach(([key, child], index) => {
      const element = at + 16 + index * 16;
      this.bytes.writeUInt32LE(data - element, element);
      this.bytes.writeUInt32LE(key.length, element + 4);
      this.bytes.writeBigUInt64LE(BigInt(child), element + 8);
      data += this.bytes.write(key, data);
    });
    return this;
  }

  /** The list of free pages, which etcd leaves out; from 65,535 of them on the count stands before the first. */
  freelist(page: number, free: readonly number[], { isCountFirst = false } = {}): this {
    const freelistPage = BigInt(page);
    this.meta(0, 1n, { freelistPage }).meta(1, 2n, { freelistPage });
    this.#header(page, 0x10, isCountFirst ? 0xffff : free.length, 0);
    const ids = isCountFirst ? [free.length, ...free] : free;
    ids.forEach((id, index) => {
      this.bytes.writeBigUInt64LE(BigInt(id), page * this.pageSizeBytes + 16 + index * 8);
    });
    return this;
  }

  async writeTo(path: string): Promise<string> {
    await writeFile(path, this.bytes);
    return path;
  }

  #header(page: number, flags: number, count: number, overflow: number): void {
    const at = page * this.pageSizeBytes;
    this.bytes.writeBigUInt64LE(BigInt(page), at);
    this.bytes.writeUInt16LE(flags, at + 8);
    this.bytes.writeUInt16LE(count, at + 10);
    this.bytes.writeUInt32LE(overflow, at + 12);
  }
}

/** The value that names a bucket with a page of its own. */
export function bucketAt(page: number | bigint): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(BigInt(page), 0);
  return head;
}

/** The value that is a bucket. */
export function inlineBucket(elements: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat([Buffer.alloc(16), leafPage(elements)]);
}

function leafPage(elements: readonly (readonly [string, string | Buffer, 'bucket'?])[]): Buffer {
  const heads = Buffer.alloc(16 + elements.length * 16);
  heads.writeUInt16LE(0x02, 8);
  heads.writeUInt16LE(elements.length, 10);
  const data: Buffer[] = [];
  let dataBytes = 0;
  elements.forEach(([key, value, bucket], index) => {
    const at = 16 + index * 16;
    const [keyBytes, valueBytes] = [Buffer.from(key), Buffer.from(value)];
    heads.writeUInt32LE(bucket === undefined ? 0 : 1, at);
    heads.writeUInt32LE(heads.length + dataBytes - at, at + 4);
    heads.writeUInt32LE(keyBytes.length, at + 8);
    heads.writeUInt32LE(valueBytes.length, at + 12);
    data.push(keyBytes, valueBytes);
    dataBytes += keyBytes.length + valueBytes.length;
  });
  return Buffer.concat([heads, ...data]);
}
