import type { Clock } from '../base/clock.ts';
import type { DecodedFrame, MeshFrame } from '../formats/mesh-frame.ts';
import { AgentError } from '../base/agent-error.ts';
import type { Log } from '../observe/log.ts';
import { CLOSE, type FrameSocket, type SocketEnd } from './frame-socket.ts';
import type { LinkParty } from './handshake.ts';
import { watchPulse } from './heartbeat.ts';
import type { MeshLimits, RequestHandler } from './mesh-options.ts';
import { errorFromPeer } from './peer-failure.ts';
import { PendingRequests, type OutgoingRequest } from './pending-requests.ts';
import { RequestServer } from './request-server.ts';
import type { Slots } from './slots.ts';

export interface LinkOptions {
  readonly party: LinkParty;
  readonly direction: 'dialled' | 'accepted';
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly limits: MeshLimits;
  /** Shared by all links with this peer. */
  readonly slots: { readonly outgoing: Slots; readonly incoming: Slots };
  readonly handle: RequestHandler;
  readonly log: Log | undefined;
}

/** One greeted connection with one peer. Requests go both ways over it. */
export class Link {
  readonly party: LinkParty;
  readonly direction: 'dialled' | 'accepted';
  /** Resolves when the connection is gone. */
  readonly ended: Promise<SocketEnd>;
  /** Resolves when also everything that was done for the peer has ended. */
  readonly finished: Promise<void>;
  roundTripMs: number | undefined;
  readonly #socket: FrameSocket;
  readonly #pending: PendingRequests;
  readonly #server: RequestServer;
  readonly #log: Log | undefined;

  constructor(socket: FrameSocket, options: LinkOptions) {
    const { party, clock, limits, slots, handle, log } = options;
    const { maxBufferedBytes, maxFrameBytes, maxRequestsInFlight } = limits;
    this.party = party;
    this.direction = options.direction;
    this.#socket = socket;
    this.ended = socket.ended;
    this.#log = log;
    this.#pending = new PendingRequests(socket, {
      peer: party.name,
      clock,
      slots: slots.outgoing,
      maxBufferedBytes,
    });
    this.#server = new RequestServer(socket, {
      peer: party.name,
      clock,
      slots: slots.incoming,
      // Answers that are under way legitimately come on top of what requests may buffer.
      maxBufferedBytes: maxBufferedBytes + maxRequestsInFlight * maxFrameBytes,
      handle,
      log,
    });
    this.finished = this.#live(options);
    socket.consume((frame) => {
      this.#receive(frame);
    });
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** See `PendingRequests.request`. */
  async request(request: OutgoingRequest): Promise<unknown> {
    return await this.#pending.request(request);
  }

  close(reason: string): void {
    this.#socket.close(CLOSE.goingAway, reason);
  }

  cut(reason: string): void {
    this.#socket.cut(reason);
  }

  async #live({ clock, heartbeatMs }: LinkOptions): Promise<void> {
    const over = new AbortController();
    const pulse = watchPulse(this.#socket, {
      clock,
      heartbeatMs,
      signal: over.signal,
      onRoundTrip: (ms) => {
        this.roundTripMs = ms;
      },
    });
    const end = await this.#socket.ended;
    over.abort();
    this.#pending.rejectAll(end.reason);
    await Promise.all([pulse, this.#server.close(end.reason)]);
  }

  #receive(decoded: DecodedFrame): void {
    if (decoded.fault === undefined) this.#act(decoded.frame);
    else if (decoded.fault !== 'not-json') this.#reportFault(decoded);
  }

  #act(frame: MeshFrame): void {
    switch (frame.kind) {
      case 'request':
        this.#server.accept(frame);
        return;
      case 'cancel':
        this.#server.cancel(frame.id);
        return;
      case 'response':
        this.#pending.resolve(frame.id, frame.result);
        return;
      case 'failure': {
        const error = errorFromPeer(this.party.name, frame);
        if (frame.id === undefined)
          this.#log?.warn({ err: error }, 'a peer could not read a frame of this agent');
        else this.#pending.reject(frame.id, error);
        return;
      }
      case 'hello':
      case 'proof':
      case 'welcome':
        this.#server.refuse(
          undefined,
          new AgentError('FRAME_INVALID', `${frame.kind} came after the greeting`),
        );
        return;
    }
  }

  #reportFault(decoded: Extract<DecodedFrame, { kind: string }>): void {
    const { fault, kind, id, problem } = decoded;
    const error = new AgentError('FRAME_INVALID', problem);
    // An answer is never answered, or two agents could go on for ever.
    if (kind === 'response' || kind === 'failure') {
      if (id !== undefined) this.#pending.reject(id, error);
      return;
    }
    if (kind === 'cancel') return;
    this.#server.refuse(id, fault === 'unknown-kind' ? new AgentError('METHOD_UNKNOWN', problem) : error);
  }
}
