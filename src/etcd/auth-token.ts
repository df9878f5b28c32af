import { readFile } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';
import type { EtcdAuth } from './connection-options.ts';

/** Asks etcd for a token. `undefined` when etcd's authentication is switched off. */
export type Authenticate = (
  credentials: { name: string; password: string },
  signal: AbortSignal,
) => Promise<string | undefined>;

/** The token of one connection: got when first needed, kept until etcd refuses it. */
export class AuthToken {
  readonly #auth: EtcdAuth | undefined;
  readonly #authenticate: Authenticate;
  #known: { readonly token: string | undefined } | undefined;

  constructor(auth: EtcdAuth | undefined, authenticate: Authenticate) {
    this.#auth = auth;
    this.#authenticate = authenticate;
  }

  /** False when there is no user to get a token for; `get` then gives `undefined`. */
  get isConfigured(): boolean {
    return this.#auth !== undefined;
  }

  /** The token that was got before, if any; asks nobody. */
  get known(): string | undefined {
    return this.#known?.token;
  }

  /** @throws {AgentError} `FILE_UNREADABLE` for the password file, or whatever authenticating throws. */
  async get(signal: AbortSignal): Promise<string | undefined> {
    if (this.#auth === undefined) return undefined;
    if (this.#known === undefined) {
      const password = await readPassword(this.#auth.passwordFile);
      this.#known = { token: await this.#authenticate({ name: this.#auth.user, password }, signal) };
    }
    return this.#known.token;
  }

  /** The next `get` asks etcd again, unless another call has replaced `token` already. */
  forget(token: string | undefined): void {
    if (this.#known?.token === token) this.#known = undefined;
  }
}

async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', messageOf(cause), { cause, details: { path: file } });
  }
}
