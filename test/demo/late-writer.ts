import type { LabHost } from '../support/lab-cluster.ts';

export function lateKey(index: number): string {
  return `late-${String(index).padStart(6, '0')}`;
}

/** Puts one key after the other, until etcd takes no more: a client that is busy when the power goes. */
export class LateWriter {
  #written = 0;
  readonly #ended: Promise<void>;

  constructor(host: LabHost) {
    this.#ended = this.#writeUntilRefused(host.clientUrl);
  }

  /** Keys that etcd acknowledged so far. */
  get written(): number {
    return this.#written;
  }

  /** Resolves with the count when a put failed. */
  async ended(): Promise<number> {
    await this.#ended;
    return this.#written;
  }

  async #writeUntilRefused(endpoint: string): Promise<void> {
    while (await put(endpoint, lateKey(this.#written))) this.#written += 1;
  }
}

const GIVE_UP_MS = 1500;

async function put(endpoint: string, key: string): Promise<boolean> {
  try {
    const response = await fetch(`${endpoint}/v3/kv/put`, {
      method: 'POST',
      body: JSON.stringify({ key: Buffer.from(key).toString('base64'), value: '' }),
      signal: AbortSignal.timeout(GIVE_UP_MS),
    });
    return response.ok;
  } catch {
    return false;
  }
}
