import type { Client, MethodDefinition } from '@grpc/grpc-js';
import { systemClock } from '../base/clock.ts';
import { AuthToken } from './auth-token.ts';
import { openChannel } from './channel.ts';
import type { EtcdConnectionOptions } from './connection-options.ts';
import { CurrentChannel } from './current-channel.ts';
import { AuthService } from './generated/etcdserverpb/auth.ts';
import { callUnary } from './grpc-call.ts';
import { isAuthOff, isNotAllowed, isStaleToken } from './grpc-failure.ts';

export interface CallLimits {
  readonly signal: AbortSignal;
  /** `none` where the work grows with the database: only the signal ends it. */
  readonly deadline: 'request' | 'none';
  /**
   * `before` (the default) gets a token first. `when-asked` tries without: getting one needs a quorum, and what a
   * member answers without a quorum should not wait for that.
   */
  readonly authenticate?: 'before' | 'when-asked';
}

/** One member, as the calls of this room see it: gRPC with deadlines, tokens and our errors. Dials at the first call. */
export class EtcdConnection {
  readonly endpoint: string;
  readonly token: AuthToken;
  readonly #options: EtcdConnectionOptions;
  readonly #channel: CurrentChannel;

  constructor(options: EtcdConnectionOptions) {
    this.endpoint = options.endpoint;
    this.#options = options;
    this.#channel = new CurrentChannel(options);
    this.token = new AuthToken(options.auth, (credentials, signal) =>
      this.#authenticate(credentials, signal),
    );
  }

  /**
   * One request, one answer. A token that etcd no longer knows is replaced, once.
   *
   * @throws {AgentError} See `explainGrpcFailure`, `explainAbort` and `openChannel`.
   */
  async unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    limits: CallLimits,
  ): Promise<Response> {
    return await this.withToken(limits, (token) => this.#attempt(method, request, { limits, token }));
  }

  /**
   * Runs `attempt` with the current token, and again with a fresh one when etcd did not accept the first. Without a token
   * etcd takes the client certificate for who asks: a refusal then says only that authentication was switched on since.
   */
  async withToken<T>(
    { signal, authenticate }: Pick<CallLimits, 'signal' | 'authenticate'>,
    attempt: (token: string | undefined) => Promise<T>,
  ): Promise<T> {
    const token = authenticate === 'when-asked' ? this.token.known : await this.token.get(signal);
    try {
      return await attempt(token);
    } catch (error) {
      const mayHelp = token === undefined ? isNotAllowed(error) : isStaleToken(error);
      if (!this.token.isConfigured || !mayHelp) throw error;
    }
    this.token.forget(token);
    return await attempt(await this.token.get(signal));
  }

  /** A channel of its own for one stream. The caller closes it. */
  async openStreamChannel(): Promise<Client> {
    return await openChannel(this.#options, 'stream');
  }

  /** Calls under way end by themselves; new ones fail with `CANCELLED`. */
  close(): void {
    this.#channel.close();
  }

  async #attempt<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    { limits, token }: { readonly limits: CallLimits; readonly token: string | undefined },
  ): Promise<Response> {
    return await callUnary(method, request, {
      endpoint: this.endpoint,
      channel: await this.#channel.get(),
      token,
      signal: limits.signal,
      deadline: limits.deadline === 'none' ? undefined : this.#requestDeadline(),
    });
  }

  async #authenticate(
    credentials: { readonly name: string; readonly password: string },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const limits = { signal, deadline: 'request' } as const;
    try {
      return (await this.#attempt(AuthService.authenticate, credentials, { limits, token: undefined })).token;
    } catch (error) {
      // A restore brings back the authentication settings of its day, which may have been none.
      if (isAuthOff(error)) return undefined;
      throw error;
    }
  }

  #requestDeadline(): Date {
    return new Date(systemClock.now() + this.#options.requestTimeoutMs);
  }
}
