import { AgentError } from '../base/agent-error.ts';
import type { ErrorCode } from '../base/error-codes.ts';
import type { Clock } from '../base/clock.ts';
import { connectEtcd, type EtcdClient } from '../etcd/client.ts';
import type { EtcdAuth } from '../etcd/connection-options.ts';
import { countKeys, hashAt, readsLinearizably } from '../restore/cluster-reads.ts';
import type { Served } from './judge-served.ts';

interface Question {
  readonly endpoint: string;
  /** For a snapshot with authentication on: the password of today, which may not be that of its day. */
  readonly auth?: EtcdAuth | undefined;
  readonly clock: Clock;
}

/** A large keyspace is counted within it. */
const REQUEST_TIMEOUT_MS = 60_000;
const ASK_AGAIN_MS = 100;
const NOT_YET: readonly ErrorCode[] = ['ETCD_UNREACHABLE', 'ETCD_TIMEOUT'];

/** An etcd with authentication on answers nothing to somebody whom it does not know. */
export const SHOWS_NOTHING = 'shows nothing';

/**
 * Asks a starting etcd until it serves: it leads, and a linearizable read came back, so it has committed something. One that
 * was restored without a log elects a leader too, and never commits.
 *
 * @throws {AgentError} as the calls do, but for those that say that it is not there yet.
 */
export async function untilServing(
  question: Question,
  signal: AbortSignal,
): Promise<number | typeof SHOWS_NOTHING> {
  return await connected(question, async (etcd) => await revisionWhenServing(etcd, question.clock, signal));
}

/** `untilServing`, and then what it holds at `revision`. */
export async function askServed(
  question: Question,
  revision: number,
  signal: AbortSignal,
): Promise<Served | typeof SHOWS_NOTHING> {
  return await connected(question, async (etcd) => {
    const current = await revisionWhenServing(etcd, question.clock, signal);
    if (current === SHOWS_NOTHING) return SHOWS_NOTHING;
    // A revision of the future is refused: what is there instead is counted and hashed.
    const at = Math.min(current, revision);
    try {
      const { hash, compactRevision } = await hashAt(etcd, at, signal);
      const keyCount = await countKeys(etcd, at, signal);
      return keyCount === undefined ? SHOWS_NOTHING : { revision: current, keyCount, hash, compactRevision };
    } catch (error) {
      if (isRefusal(error)) return SHOWS_NOTHING;
      throw error;
    }
  });
}

async function connected<T>({ endpoint, auth }: Question, ask: (etcd: EtcdClient) => Promise<T>): Promise<T> {
  const etcd = connectEtcd({
    endpoint,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    ...(auth === undefined ? {} : { auth }),
  });
  try {
    return await ask(etcd);
  } finally {
    etcd.close();
  }
}

async function revisionWhenServing(
  etcd: EtcdClient,
  clock: Clock,
  signal: AbortSignal,
): Promise<number | typeof SHOWS_NOTHING> {
  for (;;) {
    try {
      const status = await unlessRefused(etcd.status(signal));
      if (status === SHOWS_NOTHING || status.leaderId !== undefined) {
        // etcd judges who asks after the read went through consensus (etcd-io/etcd: etcdserver/v3_server.go, Range).
        await unlessRefused(readsLinearizably(etcd, signal));
        return status === SHOWS_NOTHING ? SHOWS_NOTHING : status.revision;
      }
    } catch (error) {
      if (!(error instanceof AgentError) || !NOT_YET.includes(error.code)) throw error;
    }
    await clock.sleep(ASK_AGAIN_MS, signal);
  }
}

async function unlessRefused<T>(answer: Promise<T>): Promise<T | typeof SHOWS_NOTHING> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error)) return SHOWS_NOTHING;
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'ETCD_AUTH_FAILED';
}
