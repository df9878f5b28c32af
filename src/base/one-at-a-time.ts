/** Runs pieces of work in the order they came, never two at once; a failed one does not stop the next. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();

  async run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  /** Resolves when all that has come so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
