import { setTimeout as timeout } from 'node:timers/promises';
import { AgentError } from './agent-error.ts';

interface Opened {
  readonly name: string;
  readonly close: () => void | Promise<void>;
}

/** What was opened, in order. Closing goes backwards, each within its grace, past failures. */
export class ShutdownStack {
  readonly #graceMs: number;
  readonly #opened: Opened[] = [];

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Call in the line after something was opened. */
  onClose(name: string, close: () => void | Promise<void>): void {
    this.#opened.push({ name, close });
  }

  /** @throws {AggregateError} after everything was tried, when any part failed or did not end within its grace. */
  async closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let part = this.#opened.pop(); part !== undefined; part = this.#opened.pop()) {
      try {
        await this.#closeOne(part);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} part(s) did not close cleanly`);
  }

  async #closeOne(part: Opened): Promise<void> {
    const abort = new AbortController();
    const late = timeout(this.#graceMs, undefined, { signal: abort.signal }).then(() => {
      throw new AgentError('TIMED_OUT', `${part.name} did not close within ${this.#graceMs} ms`);
    });
    late.catch(() => undefined);
    try {
      await Promise.race([part.close(), late]);
    } finally {
      abort.abort();
    }
  }
}
