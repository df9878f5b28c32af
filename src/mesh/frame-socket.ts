import type { RawData, WebSocket } from 'ws';
import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { decodeFrame, encodeFrame, type DecodedFrame, type MeshFrame } from '../formats/mesh-frame.ts';

/** Why a socket ended. `refused` when the other side said that it will not have us. */
export interface SocketEnd {
  readonly reason: string;
  readonly refused: boolean;
}

/** WebSocket close codes (RFC 6455, 7.4.1). */
export const CLOSE = {
  done: 1000,
  goingAway: 1001,
  unsupported: 1003,
  badText: 1007,
  refused: 1008,
} as const;

/** How long the other side may take to answer a close before the connection is cut. */
const CLOSE_GRACE_MS = 1000;
/** Frames that may arrive before somebody takes them: a greeting has two in each direction. */
const MOST_WAITING = 16;

/** One WebSocket as a stream of frames: what is no frame ends it, what is too long never gets here (`maxPayload`). */
export class FrameSocket {
  readonly ended: Promise<SocketEnd>;
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #maxFrameBytes: number;
  readonly #waiting: DecodedFrame[] = [];
  #consumer: ((frame: DecodedFrame) => void) | undefined;
  #ownReason: string | undefined;
  #activity = 0;

  /** @param socket - Open, and nobody has listened to it yet. */
  constructor(socket: WebSocket, clock: Clock, maxFrameBytes: number) {
    this.#socket = socket;
    this.#clock = clock;
    this.#maxFrameBytes = maxFrameBytes;
    socket.on('message', (data, isBinary) => {
      this.#receive(data, isBinary);
    });
    for (const sign of ['ping', 'pong'] as const) {
      socket.on(sign, () => {
        this.#activity += 1;
      });
    }
    socket.on('error', (error) => {
      this.#ownReason ??= error.message;
    });
    this.ended = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve(this.#endOf(code, reason.toString()));
      });
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Bytes handed to `send` that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Grows whenever the other side gives a sign of life. */
  get activity(): number {
    return this.#activity;
  }

  /**
   * Sends one frame, or nothing when the socket is closing: whoever waits for an answer learns that by `ended`.
   *
   * @param onSent - Called once the kernel has the frame, or never will.
   * @throws {AgentError} `FRAME_TOO_LARGE`, and a `TypeError` for what JSON cannot say.
   */
  send(frame: MeshFrame, onSent: () => void = () => undefined): void {
    const text = encodeFrame(frame);
    const sizeBytes = Buffer.byteLength(text);
    if (sizeBytes > this.#maxFrameBytes) {
      throw new AgentError(
        'FRAME_TOO_LARGE',
        `the ${frame.kind} has ${sizeBytes} bytes, and ${this.#maxFrameBytes} are allowed`,
        { details: { sizeBytes, maxFrameBytes: this.#maxFrameBytes } },
      );
    }
    if (this.isOpen) this.#socket.send(text, onSent);
    else onSent();
  }

  ping(): void {
    if (this.isOpen) this.#socket.ping();
  }

  onPong(listener: () => void): void {
    this.#socket.on('pong', listener);
  }

  /** From here on every frame goes to `consumer`, those that waited first. */
  consume(consumer: (frame: DecodedFrame) => void): void {
    this.#consumer = consumer;
    for (const frame of this.#waiting.splice(0)) consumer(frame);
  }

  /**
   * The next frame, while nobody consumes them.
   *
   * @throws {AgentError} `PEER_REFUSED` or `PEER_UNREACHABLE` when the socket ends first; the signal's reason.
   */
  async next(signal: AbortSignal): Promise<DecodedFrame> {
    signal.throwIfAborted();
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting;
    let stop: (() => void) | undefined;
    try {
      return await new Promise((resolve, reject) => {
        stop = () => {
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', stop, { once: true });
        this.ended.then(({ reason, refused }) => {
          reject(new AgentError(refused ? 'PEER_REFUSED' : 'PEER_UNREACHABLE', reason));
        }, reject);
        this.#consumer = (frame) => {
          this.#consumer = undefined;
          resolve(frame);
        };
      });
    } finally {
      this.#consumer = undefined;
      if (stop !== undefined) signal.removeEventListener('abort', stop);
    }
  }

  /** Says goodbye; a side that does not answer is cut off after a second. */
  close(code: number, reason: string): void {
    this.#ownReason ??= reason;
    // A close frame carries at most 123 bytes of reason.
    this.#socket.close(
      code,
      Buffer.from(reason)
        .subarray(0, 120)
        .toString('utf8')
        .replace(/\uFFFD$/, ''),
    );
    const closed = new AbortController();
    this.#socket.once('close', () => {
      closed.abort();
    });
    this.#clock.sleep(CLOSE_GRACE_MS, closed.signal).then(
      () => {
        this.#socket.terminate();
      },
      () => undefined,
    );
  }

  /** Cuts the connection without a word. */
  cut(reason: string): void {
    this.#ownReason ??= reason;
    this.#socket.terminate();
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#activity += 1;
    if (isBinary) {
      this.close(CLOSE.unsupported, 'it sent a binary frame');
      return;
    }
    const frame = decodeFrame((data as Buffer).toString('utf8'));
    if (frame.fault === 'not-json') {
      this.close(CLOSE.badText, 'it sent a frame that is not JSON');
      return;
    }
    if (this.#consumer !== undefined) this.#consumer(frame);
    else if (this.#waiting.push(frame) > MOST_WAITING)
      this.cut('it sent too many frames before the greeting');
  }

  #endOf(code: number, reason: string): SocketEnd {
    if (this.#ownReason !== undefined) return { reason: this.#ownReason, refused: false };
    const said = reason === '' ? '' : `: ${reason}`;
    if (code === 1006) return { reason: 'the connection broke', refused: false };
    return { reason: `the peer closed the link (${code}${said})`, refused: code === CLOSE.refused };
  }
}
