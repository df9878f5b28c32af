import type { ThreadOptions } from '../base/run-in-thread.ts';
import type { Prover } from './prover.ts';

interface Waiting {
  readonly isUrgent: boolean;
  readonly onBytes: ThreadOptions['onBytes'];
  readonly start: () => void;
}

/**
 * Lets only so many proofs run at the same time: each keeps a core or two and the disk busy, and has tens of MiB of memory. The others wait
 * for their turn, in the order in which they came; `urgent` ones before the rest. The few pages of `readFacts` and `readMembership` never wait.
 *
 * One that waits reports 0 bytes whenever one that runs moves on: whoever watches it for a standstill sees that there is none. An abort
 * takes it out of the queue.
 */
export class ProofQueue {
  readonly routine: Prover;
  readonly urgent: Prover;
  readonly #atOnce: number;
  #running = 0;
  #waiting: Waiting[] = [];

  constructor(prover: Prover, { atOnce }: { readonly atOnce: number }) {
    this.#atOnce = atOnce;
    this.routine = this.#proverOf(prover, false);
    this.urgent = this.#proverOf(prover, true);
  }

  #proverOf(prover: Prover, isUrgent: boolean): Prover {
    return {
      proveKeyspace: (path, options) =>
        this.#inTurn(isUrgent, options, (watched) => prover.proveKeyspace(path, watched)),
      proveFile: (path, options) =>
        this.#inTurn(isUrgent, options, (watched) => prover.proveFile(path, { ...options, ...watched })),
      readFacts: (path, signal) => prover.readFacts(path, signal),
      readMembership: (path, signal) => prover.readMembership(path, signal),
    };
  }

  async #inTurn<T>(
    isUrgent: boolean,
    { signal, onBytes }: ThreadOptions,
    prove: (options: ThreadOptions) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    if (this.#running < this.#atOnce) this.#running += 1;
    else await this.#untilTurn(isUrgent, { signal, ...(onBytes === undefined ? {} : { onBytes }) });
    const onMoved = (bytes: number): void => {
      onBytes?.(bytes);
      for (const waiting of this.#waiting) waiting.onBytes?.(0);
    };
    try {
      return await prove({ signal, onBytes: onMoved });
    } finally {
      this.#handOn();
    }
  }

  async #untilTurn(isUrgent: boolean, { signal, onBytes }: ThreadOptions): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const start = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiting: Waiting = { isUrgent, onBytes, start };
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        // Whatever was given as the reason is passed on as it is.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      const firstRoutine = this.#waiting.findIndex((other) => !other.isUrgent);
      const place = isUrgent && firstRoutine >= 0 ? firstRoutine : this.#waiting.length;
      this.#waiting.splice(place, 0, waiting);
    });
  }

  /** The place goes to the next in the queue, or is free. */
  #handOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next.start();
  }
}
