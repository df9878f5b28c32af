import { AgentError, messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { FrameSocket } from './frame-socket.ts';
import type { Slots } from './slots.ts';

export interface OutgoingRequest {
  readonly method: string;
  readonly params: unknown;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Pending {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface PendingOptions {
  readonly peer: string;
  readonly clock: Clock;
  readonly slots: Slots;
  readonly maxBufferedBytes: number;
}

/** The requests that this side of a link waits for. Nothing is queued, and nothing is sent twice. */
export class PendingRequests {
  readonly #socket: FrameSocket;
  readonly #options: PendingOptions;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(socket: FrameSocket, options: PendingOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /**
   * @throws {AgentError} `PEER_TIMEOUT`, `CANCELLED` (the peer is told to stop in both cases), `PEER_UNREACHABLE`,
   *   `TOO_MANY_REQUESTS`, `FRAME_TOO_LARGE`, or what the peer answered.
   */
  async request(request: OutgoingRequest): Promise<unknown> {
    const { method, signal, timeoutMs } = request;
    if (signal.aborted) throw this.#cancelled(request);
    const release = this.#takeSlot(method);
    const id = (this.#lastId += 1);
    const timer = new AbortController();
    const onAbort = (): void => {
      this.#giveUp(id, this.#cancelled(request));
    };
    try {
      return await new Promise((resolve, reject) => {
        this.#socket.send({ kind: 'request', id, method, params: request.params, timeoutMs });
        this.#pending.set(id, { method, resolve, reject });
        signal.addEventListener('abort', onAbort, { once: true });
        this.#options.clock.sleep(timeoutMs, timer.signal).then(
          () => {
            this.#giveUp(id, this.#late(request));
          },
          () => undefined,
        );
      });
    } finally {
      timer.abort();
      signal.removeEventListener('abort', onAbort);
      this.#pending.delete(id);
      release();
    }
  }

  resolve(id: number, result: unknown): void {
    this.#pending.get(id)?.resolve(result);
  }

  reject(id: number, error: Error): void {
    this.#pending.get(id)?.reject(error);
  }

  /** The link is gone: whether the peer did what it was asked is unknown, so each one is told. */
  rejectAll(reason: string): void {
    const { peer } = this.#options;
    for (const { method, reject } of this.#pending.values()) {
      reject(
        new AgentError(
          'PEER_UNREACHABLE',
          `the link to ${peer} ended while ${method} was under way: ${reason}`,
          {
            details: { peer, method, underWay: true },
          },
        ),
      );
    }
  }

  #takeSlot(method: string): () => void {
    const { peer, slots, maxBufferedBytes } = this.#options;
    if (this.#socket.bufferedBytes > maxBufferedBytes) {
      throw new AgentError(
        'TOO_MANY_REQUESTS',
        `${method} was not sent: ${this.#socket.bufferedBytes} bytes wait for ${peer} to take them`,
        { details: { peer, method } },
      );
    }
    const release = slots.take();
    if (release !== undefined) return release;
    throw new AgentError(
      'TOO_MANY_REQUESTS',
      `${method} was not sent: ${slots.limit} requests to ${peer} are under way`,
      { details: { peer, method } },
    );
  }

  #giveUp(id: number, error: AgentError): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#socket.send({ kind: 'cancel', id });
    pending.reject(error);
  }

  #cancelled({ method, signal }: OutgoingRequest): AgentError {
    const { peer } = this.#options;
    const why = messageOf(signal.reason);
    return new AgentError('CANCELLED', `${method} to ${peer} was cancelled: ${why}`, {
      cause: signal.reason,
    });
  }

  #late({ method, timeoutMs }: OutgoingRequest): AgentError {
    const { peer } = this.#options;
    return new AgentError('PEER_TIMEOUT', `${peer} did not answer ${method} within ${timeoutMs} ms`, {
      details: { peer, method, timeoutMs },
    });
  }
}
