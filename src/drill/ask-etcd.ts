import { AgentError } from '../base/agent-error.ts';
import type { ErrorCode } from '../base/error-codes.ts';
import type { Clock } from '../base/clock.ts';
import { connectEtcd, type EtcdClient } from '../etcd/client.ts';
import type { MemberStatus } from '../etcd/maintenance.ts';
import { countKeys, hashAt, readsLinearizably } from '../restore/cluster-reads.ts';
import type { Served } from './judge-served.ts';

/** What a member served, or only that it serves: one with authentication shows its data to nobody without a password. */
export type Answers = Served | Pick<Served, 'revision'>;

/** A large keyspace is counted within it. */
const REQUEST_TIMEOUT_MS = 60_000;
const ASK_AGAIN_MS = 100;
const NOT_YET: readonly ErrorCode[] = ['ETCD_UNREACHABLE', 'ETCD_TIMEOUT'];

/**
 * Asks a starting etcd until it serves: it leads, and a linearizable read came back, so it has committed something. One that
 * was restored without a log elects a leader too, and never commits.
 */
export async function untilServing(
  endpoint: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<MemberStatus> {
  return await connected(endpoint, async (etcd) => await statusWhenServing(etcd, clock, signal));
}

/**
 * `untilServing`, and then what it holds at `revision`.
 *
 * @throws {AgentError} `ETCD_COMPACTED` where etcd says that this revision is gone; as the calls do.
 */
export async function askServed(
  endpoint: string,
  revision: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Answers> {
  return await connected(endpoint, async (etcd) => {
    const status = await statusWhenServing(etcd, clock, signal);
    // A revision of the future is refused, and what is there is told by its number alone.
    if (status.revision < revision) return { revision: status.revision };
    try {
      const { hash, compactRevision } = await hashAt(etcd, revision, signal);
      const keyCount = await countKeys(etcd, revision, signal);
      return keyCount === undefined
        ? { revision: status.revision }
        : { revision: status.revision, keyCount, hash, compactRevision };
    } catch (error) {
      if (error instanceof AgentError && error.code === 'ETCD_AUTH_FAILED')
        return { revision: status.revision };
      throw error;
    }
  });
}

async function connected<T>(endpoint: string, ask: (etcd: EtcdClient) => Promise<T>): Promise<T> {
  const etcd = connectEtcd({ endpoint, requestTimeoutMs: REQUEST_TIMEOUT_MS });
  try {
    return await ask(etcd);
  } finally {
    etcd.close();
  }
}

async function statusWhenServing(etcd: EtcdClient, clock: Clock, signal: AbortSignal): Promise<MemberStatus> {
  for (;;) {
    try {
      const status = await etcd.status(signal);
      if (status.leaderId !== undefined) {
        await readsOrIsRefused(etcd, signal);
        return status;
      }
    } catch (error) {
      if (!(error instanceof AgentError) || !NOT_YET.includes(error.code)) throw error;
    }
    await clock.sleep(ASK_AGAIN_MS, signal);
  }
}

/** etcd judges who asks after the read went through consensus (etcd-io/etcd: etcdserver/v3_server.go, Range). */
async function readsOrIsRefused(etcd: EtcdClient, signal: AbortSignal): Promise<void> {
  try {
    await readsLinearizably(etcd, signal);
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'ETCD_AUTH_FAILED') throw error;
  }
}
