import type { RunningEtcd } from './etcd-process.ts';

const WRITERS = 16;
/** etcd takes at most 128 in one transaction. */
const KEYS_PER_TXN = 100;

type Reachable = Pick<RunningEtcd, 'endpoint'>;

/** Writes `count` keys `key-000000` …, each a revision of its own, through etcd's JSON gateway. */
export async function putMany(etcd: Reachable, count: number, valueBytes = 10): Promise<void> {
  await inParallel(count, (index) => post(etcd, 'kv/put', keyValue(index, valueBytes)));
}

/** Writes `count` keys, a hundred of them with one revision. */
export async function putInTransactions(etcd: Reachable, count: number, valueBytes: number): Promise<void> {
  await inParallel(count / KEYS_PER_TXN, (txn) => {
    const indexes = Array.from({ length: KEYS_PER_TXN }, (_, index) => txn * KEYS_PER_TXN + index);
    const success = indexes.map((index) => ({ request_put: keyValue(index, valueBytes) }));
    return post(etcd, 'kv/txn', { success });
  });
}

function keyValue(index: number, valueBytes: number): { key: string; value: string } {
  return {
    key: Buffer.from(`key-${String(index).padStart(6, '0')}`).toString('base64'),
    value: Buffer.alloc(valueBytes, 'v').toString('base64'),
  };
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

async function post(etcd: Reachable, call: string, body: object): Promise<void> {
  const response = await fetch(`${etcd.endpoint}/v3/${call}`, { method: 'POST', body: JSON.stringify(body) });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${call}: ${response.status} ${answer}`);
}
