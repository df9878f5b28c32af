import { setTimeout as sleep } from 'node:timers/promises';
import { asAgentError } from '../../src/base/agent-error.ts';
import { connectEtcd, type EtcdClient } from '../../src/etcd/client.ts';

const ASK_EACH_MS = 20;
const PATIENCE_MS = 1000;

/**
 * Asks every member for a linearizable read about every 20 ms, on connections of its own, and notes when the old cluster lost its first member and when each member answered for a new one.
 */
export class AvailabilityProbe implements AsyncDisposable {
  readonly #urls: readonly string[];
  readonly #stop = new AbortController();
  /** The cluster that each member answered for last. */
  readonly #clusterIds = new Map<string, string>();
  readonly #firstNewMs = new Map<string, number>();
  readonly #loops: Promise<void>[];
  #oldClusterId: string | undefined;
  #firstRefusedMs: number | undefined;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
    this.#loops = urls.map((url) => this.#askAgain(url));
  }

  /** All members answer for one cluster: from now on another one is the new one. */
  async untilServing(): Promise<void> {
    await this.#until(() => this.#clusterIds.size === this.#urls.length);
    [this.#oldClusterId] = this.#clusterIds.values();
    this.#firstRefusedMs = undefined;
  }

  /** Every member has answered for the new cluster. */
  async untilNewClusterServes(): Promise<void> {
    await this.#until(() => this.#firstNewMs.size === this.#urls.length);
  }

  /** From the first member that was gone to the first answer of the new cluster. */
  get downtimeMs(): number {
    const since = this.#firstRefusedMs;
    if (since === undefined || this.#firstNewMs.size === 0) throw new Error('no change of cluster was seen');
    return Math.min(...this.#firstNewMs.values()) - since;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async #until(condition: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + 10 * 60_000;
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`${this.#urls.join(', ')} do not all answer`);
      await sleep(ASK_EACH_MS);
    }
  }

  async #askAgain(endpoint: string): Promise<void> {
    const etcd = connectEtcd({ endpoint, requestTimeoutMs: PATIENCE_MS });
    while (!this.#stop.signal.aborted) {
      const askedMs = performance.now();
      try {
        const clusterId = await readLinearizably(etcd, this.#urls.length);
        if (clusterId !== undefined) this.#note(endpoint, clusterId);
      } catch (error) {
        // Only a closed door is a stopped member; a slow answer is not.
        if (asAgentError(error).code === 'ETCD_UNREACHABLE') this.#firstRefusedMs ??= askedMs;
      }
      await sleep(Math.max(0, askedMs + ASK_EACH_MS - performance.now()));
    }
    etcd.close();
  }

  #note(url: string, clusterId: string): void {
    this.#clusterIds.set(url, clusterId);
    if (this.#oldClusterId === undefined || clusterId === this.#oldClusterId) return;
    if (!this.#firstNewMs.has(url)) this.#firstNewMs.set(url, performance.now());
  }
}

/**
 * The ID of the cluster that answered; `undefined` while there is no leader that has committed anything. Asked before that, etcd
 * 3.4 drops the read and answers no other for 6 s: the probe would measure what it did itself.
 */
async function readLinearizably(etcd: EtcdClient, members: number): Promise<string | undefined> {
  const { signal } = new AbortController();
  const { clusterId, leaderId, raftIndex } = await etcd.status(signal);
  // What the restore tool wrote are the members, one entry for each.
  if (leaderId === undefined || raftIndex <= members) return undefined;
  await etcd.range({ key: 'probe' }, signal);
  return clusterId;
}
