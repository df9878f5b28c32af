import { randomBytes } from 'node:crypto';
import type { EtcdClient } from '../../src/etcd/client.ts';

const VALUE_BYTES = 64 * 1024;
const AT_A_TIME = 16;

/** Puts `mebibytes` of data that does not compress under keys `<prefix>0`, `<prefix>1`, …; resolves with their number. */
export async function fillEtcd(etcd: EtcdClient, mebibytes: number, prefix = 'fill-'): Promise<number> {
  const count = (mebibytes << 20) / VALUE_BYTES;
  let next = 0;
  async function putRest(): Promise<void> {
    const { signal } = new AbortController();
    while (next < count) {
      next += 1;
      await etcd.put({ key: prefix + String(next - 1), value: randomBytes(VALUE_BYTES) }, signal);
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, putRest));
  return count;
}
