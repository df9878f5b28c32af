/** Work that goes on by itself until it ends or its signal ends it. `settled` waits for all of it. */
export class TaskSet {
  readonly #running = new Set<Promise<void>>();
  readonly #onError: (error: unknown) => void;

  /** @param onError - Told of what a task threw; tasks are expected to deal with their own failures. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  run(work: () => Promise<void>): void {
    const task = this.#watch(work);
    this.#running.add(task);
    task.then(() => this.#running.delete(task), this.#onError);
  }

  async #watch(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#onError(error);
    }
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
