import type { Client } from '@grpc/grpc-js';
import { stat } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import { openChannel } from './channel.ts';
import type { EtcdConnectionOptions } from './connection-options.ts';

/** The channel that small calls share, replaced by a new one as soon as a certificate file changes. */
export class CurrentChannel {
  readonly #options: EtcdConnectionOptions;
  #open: { readonly channel: Client; readonly filesSeen: string } | undefined;
  readonly #turns = new OneAtATime();
  #closed = false;

  constructor(options: EtcdConnectionOptions) {
    this.#options = options;
  }

  /**
   * Calls that run on a replaced channel end undisturbed.
   *
   * @throws {AgentError} As `openChannel`; `CANCELLED` after `close`.
   */
  async get(): Promise<Client> {
    // One at a time, or two calls would each open a channel and one be forgotten.
    return await this.#turns.run(() => this.#getInTurn());
  }

  close(): void {
    this.#closed = true;
    this.#open?.channel.close();
    this.#open = undefined;
  }

  async #getInTurn(): Promise<Client> {
    this.#requireOpen();
    const filesSeen = await fingerprint(this.#options);
    if (this.#open?.filesSeen === filesSeen) return this.#open.channel;
    const channel = await openChannel(this.#options, 'calls');
    this.#open?.channel.close();
    this.#open = { channel, filesSeen };
    if (this.#closed) this.close();
    this.#requireOpen();
    return channel;
  }

  #requireOpen(): void {
    if (this.#closed) throw new AgentError('CANCELLED', `the client of ${this.#options.endpoint} was closed`);
  }
}

/** Changes when any certificate file is written or replaced. */
async function fingerprint({ tls }: EtcdConnectionOptions): Promise<string> {
  const files = [tls?.caFile, tls?.certFile, tls?.keyFile].filter((file) => file !== undefined);
  try {
    const found = await Promise.all(files.map((file) => stat(file)));
    return found.map(({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`).join(' ');
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', messageOf(cause), { cause });
  }
}
