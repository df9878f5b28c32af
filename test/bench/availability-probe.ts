import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectEtcd, type EtcdClient } from '../../src/etcd/client.ts';

const ASK_EACH_MS = 20;
const PATIENCE_MS = 1000;

/**
 * Looks every 20 ms at every member, on connections of its own: first whether its door is open, and from when one is shut, whether it
 * answers a linearizable read for a new cluster. While the old cluster serves it is not read from: on a small machine that would slow
 * down whoever prepares meanwhile.
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
      await this.#ask(endpoint, etcd, askedMs);
      await sleep(Math.max(0, askedMs + ASK_EACH_MS - performance.now()));
    }
    etcd.close();
  }

  async #ask(endpoint: string, etcd: EtcdClient, askedMs: number): Promise<void> {
    if (this.#oldClusterId === undefined) {
      const clusterId = await readLinearizably(etcd, this.#urls.length);
      if (clusterId !== undefined) this.#clusterIds.set(endpoint, clusterId);
    } else if (this.#firstRefusedMs === undefined) {
      if (!(await isOpen(endpoint))) this.#firstRefusedMs ??= askedMs;
    } else if (!this.#firstNewMs.has(endpoint)) {
      const clusterId = await readLinearizably(etcd, this.#urls.length);
      if (clusterId === undefined || clusterId === this.#oldClusterId) return;
      this.#firstNewMs.set(endpoint, performance.now());
    }
  }
}

async function isOpen(endpoint: string): Promise<boolean> {
  const { hostname, port } = new URL(endpoint);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/**
 * The ID of the cluster that answered; `undefined` while there is no answer, or no leader that has committed anything. Asked before that,
 * etcd 3.4 drops the read and answers no other for 6 s: the probe would measure what it did itself.
 */
async function readLinearizably(etcd: EtcdClient, members: number): Promise<string | undefined> {
  const { signal } = new AbortController();
  try {
    const { clusterId, leaderId, raftIndex } = await etcd.status(signal);
    // What the restore tool wrote are the members, one entry for each.
    if (leaderId === undefined || raftIndex <= members) return undefined;
    await etcd.range({ key: 'probe' }, signal);
    return clusterId;
  } catch {
    // It stops or starts: the next look is in a moment.
    return undefined;
  }
}
