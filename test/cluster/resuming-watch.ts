import { setTimeout as sleep } from 'node:timers/promises';

interface WatchAnswer {
  readonly result?: {
    readonly events?: readonly { readonly kv: { readonly value?: string; readonly mod_revision: string } }[];
    readonly canceled?: boolean;
    readonly compact_revision?: string;
  };
}

const RETRY_MS = 50;

/** A watch on one key as clients keep it: after each lost connection it goes on one revision after the last one it saw. */
export class ResumingWatch implements AsyncDisposable {
  readonly #values: string[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #lastRevision = 0;
  #compactedAt: number | undefined;

  constructor(clientUrl: string, key: string) {
    this.#ended = this.#keep(clientUrl, key);
  }

  /** Every value that the watch was told of, in order. */
  get values(): readonly string[] {
    return this.#values;
  }

  get lastRevision(): number {
    return this.#lastRevision;
  }

  /** The revision up to which history is gone, once etcd has ended the watch for that reason. */
  get compactedAt(): number | undefined {
    return this.#compactedAt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #keep(clientUrl: string, key: string): Promise<void> {
    while (!this.#stop.signal.aborted && this.#compactedAt === undefined) {
      try {
        await this.#watch(clientUrl, key);
      } catch {
        // etcd is down, as a client sees it.
        await sleep(RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  async #watch(clientUrl: string, key: string): Promise<void> {
    const wanted = { key: Buffer.from(key).toString('base64'), start_revision: this.#lastRevision + 1 };
    const response = await fetch(`${clientUrl}/v3/watch`, {
      method: 'POST',
      body: JSON.stringify({ create_request: wanted }),
      signal: this.#stop.signal,
    });
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#note(JSON.parse(line) as WatchAnswer);
      if (this.#compactedAt !== undefined) return;
    }
  }

  #note({ result }: WatchAnswer): void {
    for (const { kv } of result?.events ?? []) {
      this.#values.push(Buffer.from(kv.value ?? '', 'base64').toString());
      this.#lastRevision = Number(kv.mod_revision);
    }
    if (result?.compact_revision !== undefined) this.#compactedAt = Number(result.compact_revision);
  }
}
