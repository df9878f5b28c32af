import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { MeshFrame, RequestFrame } from '../formats/mesh-frame.ts';
import type { Log } from '../observe/log.ts';
import { CLOSE, type FrameSocket } from './frame-socket.ts';
import type { RequestHandler } from './mesh-options.ts';
import { failureFrame } from './peer-failure.ts';
import type { Slots } from './slots.ts';
import { TaskSet } from './task-set.ts';
import { withTimeLimit } from './time-limit.ts';

interface RequestServerOptions {
  readonly peer: string;
  readonly clock: Clock;
  readonly slots: Slots;
  /** Above it the peer asks without taking its answers, and the link is cut. */
  readonly maxBufferedBytes: number;
  readonly handle: RequestHandler;
  readonly log: Log | undefined;
}

/** Answers what the other side of a link asks. Each request holds its slot until its answer has left this host. */
export class RequestServer {
  readonly #socket: FrameSocket;
  readonly #options: RequestServerOptions;
  readonly #running = new Map<number, AbortController>();
  readonly #tasks: TaskSet;

  constructor(socket: FrameSocket, options: RequestServerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#tasks = new TaskSet((error) => options.log?.error({ err: error }, 'an answer could not be sent'));
  }

  accept(frame: RequestFrame): void {
    if (this.#running.has(frame.id)) {
      this.refuse(frame.id, new AgentError('FRAME_INVALID', `request ${frame.id} is under way already`));
      return;
    }
    const release = this.#options.slots.take();
    if (release === undefined) {
      const { slots } = this.#options;
      const message = `${slots.limit} requests of ${this.#options.peer} are under way`;
      this.refuse(frame.id, new AgentError('TOO_MANY_REQUESTS', message));
      return;
    }
    const controller = new AbortController();
    this.#running.set(frame.id, controller);
    this.#tasks.run(() => this.#serve(frame, controller, release));
  }

  /** The peer no longer waits: the work is told to stop. Its answer still goes out, and is dropped there. */
  cancel(id: number): void {
    this.#running
      .get(id)
      ?.abort(new AgentError('CANCELLED', `${this.#options.peer} no longer waits for the answer`));
  }

  /** Answers with a failure. A peer that never takes its answers is cut off. */
  refuse(id: number | undefined, error: unknown): void {
    if (this.#socket.bufferedBytes > this.#options.maxBufferedBytes) {
      this.#socket.close(CLOSE.refused, `${this.#options.peer} does not take its answers`);
      return;
    }
    this.#socket.send(failureFrame(id, error));
  }

  /** Tells all work to stop and waits until it has. */
  async close(reason: string): Promise<void> {
    for (const controller of this.#running.values()) {
      controller.abort(
        new AgentError('PEER_UNREACHABLE', `the link to ${this.#options.peer} ended: ${reason}`),
      );
    }
    await this.#tasks.settled();
  }

  async #serve(frame: RequestFrame, controller: AbortController, release: () => void): Promise<void> {
    try {
      const answer = await this.#answer(frame, controller.signal);
      this.#running.delete(frame.id);
      this.#send(frame.id, answer, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  async #answer(frame: RequestFrame, signal: AbortSignal): Promise<MeshFrame> {
    const { id, method, params, timeoutMs } = frame;
    const { peer, handle, clock, log } = this.#options;
    const late = (): AgentError =>
      new AgentError('TIMED_OUT', `${method} was not done within the ${timeoutMs} ms that ${peer} waits`);
    try {
      const result = await withTimeLimit({ clock, timeoutMs, signal, late }, (limited) =>
        handle(peer, method, params, limited),
      );
      return { kind: 'response', id, result };
    } catch (error) {
      // A defect of ours reaches the peer as one sentence; its stack is of use only here.
      if (!(error instanceof AgentError))
        log?.error({ err: error, peer, method }, 'a request failed unexpectedly');
      return failureFrame(id, error);
    }
  }

  #send(id: number, answer: MeshFrame, release: () => void): void {
    try {
      this.#socket.send(answer, release);
    } catch (error) {
      this.#socket.send(failureFrame(id, error), release);
    }
  }
}
