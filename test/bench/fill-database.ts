import { randomBytes, randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { connectEtcd } from '../../src/etcd/client.ts';

const WRITERS = 64;
const SMALLEST_VALUE_BYTES = 1024;
const LARGEST_VALUE_BYTES = 64 * 1024;

/** etcd for large databases: room for them, and few raft entries kept, so that memory goes into the page cache. */
export const LARGE_DATABASE_FLAGS = [
  '--quota-backend-bytes',
  String(64 * 1024 ** 3),
  '--snapshot-count',
  '2000',
] as const;

/** Puts values of mixed size that do not compress until the database has `sizeMib`. */
export async function fillDatabase(endpoint: string, sizeMib: number): Promise<void> {
  const etcd = connectEtcd({ endpoint, requestTimeoutMs: 60_000 });
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const wantedBytes = sizeMib * 1024 * 1024;
  let next = 0;
  let putBytes = 0;
  async function putMore(untilBytes: number): Promise<void> {
    while (putBytes < untilBytes) {
      const value = randomBytes(randomInt(SMALLEST_VALUE_BYTES, LARGEST_VALUE_BYTES + 1));
      putBytes += value.length;
      next += 1;
      await etcd.put({ key: `bench/${String(next).padStart(8, '0')}`, value }, signal);
    }
  }
  try {
    for (let found = 0; found < wantedBytes;) {
      const untilBytes = putBytes + Math.max(wantedBytes - found, 1);
      await Promise.all(Array.from({ length: WRITERS }, () => putMore(untilBytes)));
      found = (await etcd.status(signal)).dbSizeBytes;
    }
  } finally {
    etcd.close();
  }
}
