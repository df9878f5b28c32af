import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { fnv1a64 } from '../../../src/bbolt/fnv.ts';
import { proveKeyspace } from '../../../src/mvcc/prove-keyspace.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const FIXTURE = join(import.meta.dirname, '..', '..', 'fixtures', 'etcd-3.6.16', 'streamed.db.gz');
const PAGE_BYTES = 4096;
const original = gunzipSync(readFileSync(FIXTURE));
const pages = Math.floor(original.length / PAGE_BYTES);

const ROOT = 16;
const FREELIST = 32;
const HIGH_WATER = 40;

/** What the proof says of these bytes: the code of a refusal, or the kinds of its findings; `sound` for none. */
async function verdictOn(bytes: Buffer): Promise<string[]> {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'db');
  writeFileSync(path, bytes);
  try {
    const { findings } = await proveKeyspace(path);
    return findings.length === 0 ? ['sound'] : [...new Set(findings.map(({ kind }) => kind))];
  } catch (error) {
    return [error instanceof AgentError ? error.code : String(error)];
  }
}

function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(original);
  change(bytes);
  return bytes;
}

/** Writes a number into both metas, with a checksum that is right. */
function forgeMetas(bytes: Buffer, at: number, value: bigint): void {
  for (const page of [0, 1]) {
    const meta = bytes.subarray(page * PAGE_BYTES + 16, page * PAGE_BYTES + 80);
    meta.writeBigUInt64LE(value, at);
    meta.writeBigUInt64LE(fnv1a64(meta.subarray(0, 56)), 56);
  }
}

function rootPage(bytes: Buffer): number {
  const [first, second] = [0, 1].map((page) => page * PAGE_BYTES + 16);
  const newest =
    bytes.readBigUInt64LE((first ?? 0) + 48) > bytes.readBigUInt64LE((second ?? 0) + 48) ? first : second;
  return Number(bytes.readBigUInt64LE((newest ?? 0) + ROOT));
}

/** Of the root leaf: where the element of that bucket is, and where its value begins. */
function bucketElement(bytes: Buffer, name: string): { element: number; value: number } {
  const start = rootPage(bytes) * PAGE_BYTES;
  for (let index = 0; index < bytes.readUInt16LE(start + 10); index += 1) {
    const element = start + 16 + index * 16;
    const key = element + bytes.readUInt32LE(element + 4);
    const keyBytes = bytes.readUInt32LE(element + 8);
    if (bytes.toString('latin1', key, key + keyBytes) === name) return { element, value: key + keyBytes };
  }
  throw new Error(`no bucket ${name}`);
}

test('the file as it was made is sound', async () => {
  expect(await verdictOn(original)).toEqual(['sound']);
});

describe('a file that is cut is refused', () => {
  test.each(Array.from({ length: pages }, (_, page) => page))(
    'at page %i, and one byte before and behind',
    async (page) => {
      for (const lengthBytes of [page * PAGE_BYTES - 1, page * PAGE_BYTES, page * PAGE_BYTES + 1]) {
        const [verdict] = await verdictOn(original.subarray(0, Math.max(0, lengthBytes)));
        expect(['SNAPSHOT_DAMAGED', 'SNAPSHOT_NOT_A_DATABASE']).toContain(verdict);
      }
    },
  );
});

describe('a file that was made to do harm is refused, or its harm is told', () => {
  test.each<[string, Buffer, string[]]>([
    [
      'both metas swapped',
      changed((bytes) => {
        const first = Buffer.from(bytes.subarray(0, PAGE_BYTES));
        bytes.copy(bytes, 0, PAGE_BYTES, 2 * PAGE_BYTES);
        first.copy(bytes, PAGE_BYTES);
      }),
      ['page-id'],
    ],
    [
      'both metas of zeros',
      changed((bytes) => {
        bytes.fill(0, 0, 2 * PAGE_BYTES);
      }),
      ['SNAPSHOT_NOT_A_DATABASE'],
    ],
    [
      'a root beyond the end',
      changed((bytes) => {
        forgeMetas(bytes, ROOT, BigInt(pages));
      }),
      ['SNAPSHOT_DAMAGED'],
    ],
    [
      'a root that is a meta page',
      changed((bytes) => {
        forgeMetas(bytes, ROOT, 1n);
      }),
      ['SNAPSHOT_DAMAGED'],
    ],
    [
      '2^63 pages',
      changed((bytes) => {
        forgeMetas(bytes, HIGH_WATER, 2n ** 63n);
      }),
      ['SNAPSHOT_DAMAGED'],
    ],
    [
      'more pages than the file has',
      changed((bytes) => {
        forgeMetas(bytes, HIGH_WATER, 2n ** 40n);
      }),
      ['SNAPSHOT_DAMAGED'],
    ],
    [
      'a list of free pages beyond the end',
      changed((bytes) => {
        forgeMetas(bytes, FREELIST, 2n ** 62n);
      }),
      ['out-of-bounds'],
    ],
    [
      'a list of free pages that is a leaf',
      changed((bytes) => {
        forgeMetas(bytes, FREELIST, BigInt(rootPage(bytes)));
      }),
      ['wrong-type'],
    ],
    [
      'a list of free pages that claims 2^63 of them',
      changed((bytes) => {
        const free = 2;
        forgeMetas(bytes, FREELIST, BigInt(free));
        bytes.fill(0, free * PAGE_BYTES, (free + 1) * PAGE_BYTES);
        bytes.writeBigUInt64LE(BigInt(free), free * PAGE_BYTES);
        bytes.writeUInt16LE(0x10, free * PAGE_BYTES + 8);
        bytes.writeUInt16LE(0xffff, free * PAGE_BYTES + 10);
        bytes.writeBigUInt64LE(2n ** 63n, free * PAGE_BYTES + 16);
      }),
      ['element', 'out-of-bounds'],
    ],
    [
      'a bucket that begins at the root',
      changed((bytes) => {
        bytes.writeBigUInt64LE(BigInt(rootPage(bytes)), bucketElement(bytes, 'key').value);
      }),
      ['multiple-references'],
    ],
    [
      'a bucket at page 2^63',
      changed((bytes) => {
        bytes.writeBigUInt64LE(2n ** 63n, bucketElement(bytes, 'key').value);
      }),
      ['bucket'],
    ],
    [
      'two buckets that are one tree',
      changed((bytes) => {
        bytes.copy(
          bytes,
          bucketElement(bytes, 'meta').value,
          bucketElement(bytes, 'key').value,
          bucketElement(bytes, 'key').value + 8,
        );
      }),
      ['multiple-references'],
    ],
    [
      '65535 elements in the root',
      changed((bytes) => {
        bytes.writeUInt16LE(0xffff, rootPage(bytes) * PAGE_BYTES + 10);
      }),
      ['element'],
    ],
    [
      'a root that continues over 2^32 pages',
      changed((bytes) => {
        bytes.writeUInt32LE(0xffffffff, rootPage(bytes) * PAGE_BYTES + 12);
      }),
      ['out-of-bounds'],
    ],
    [
      'a key of 4 GiB',
      changed((bytes) => {
        bytes.writeUInt32LE(0xffffffff, bucketElement(bytes, 'key').element + 8);
      }),
      ['element'],
    ],
    [
      'a bucket that is said to be a value',
      changed((bytes) => {
        bytes.writeUInt32LE(0, bucketElement(bytes, 'lease').element);
      }),
      ['entry'],
    ],
  ])('%s', async (_, bytes, verdict) => {
    expect(await verdictOn(bytes)).toEqual(expect.arrayContaining(verdict));
  });
});
