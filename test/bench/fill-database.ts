import { randomBytes, randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { connectEtcd } from '../../src/etcd/client.ts';

const WRITERS = 64;
/** Of one transaction: etcd takes at most 128 operations and 1.5 MiB. */
const PUTS_TOGETHER = 100;
const BYTES_TOGETHER = 64 * 1024;

export interface ValueSizes {
  readonly smallestBytes: number;
  readonly largestBytes: number;
}

const MIXED_VALUES: ValueSizes = { smallestBytes: 1024, largestBytes: 64 * 1024 };

/** etcd for large databases: room for them, and few raft entries kept, so that memory goes into the page cache. */
export const LARGE_DATABASE_FLAGS = [
  '--quota-backend-bytes',
  String(64 * 1024 ** 3),
  '--snapshot-count',
  '2000',
] as const;

/** Puts values of mixed size that do not compress until the database has `sizeMib`. Small ones go together. */
export async function fillDatabase(
  endpoint: string,
  sizeMib: number,
  { smallestBytes, largestBytes }: ValueSizes = MIXED_VALUES,
): Promise<void> {
  const etcd = connectEtcd({ endpoint, requestTimeoutMs: 60_000 });
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const wantedBytes = sizeMib * 1024 * 1024;
  let next = 0;
  let putBytes = 0;
  const putsAtOnce = Math.max(1, Math.min(PUTS_TOGETHER, Math.floor(BYTES_TOGETHER / largestBytes)));
  function nextPut(): { kind: 'put'; key: string; value: Buffer } {
    const value = randomBytes(randomInt(smallestBytes, largestBytes + 1));
    putBytes += value.length;
    next += 1;
    return { kind: 'put', key: `bench/${String(next).padStart(8, '0')}`, value };
  }
  async function putMore(untilBytes: number): Promise<void> {
    while (putBytes < untilBytes) {
      const success = Array.from({ length: putsAtOnce }, () => nextPut());
      await etcd.txn({ compare: [], success }, signal);
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
