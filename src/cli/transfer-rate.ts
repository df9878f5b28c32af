interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

const WINDOW_MS = 5_000;

/** How fast bytes come, over the last five seconds. A count that falls begins anew. */
export class TransferRate {
  #samples: readonly Sample[] = [];

  /** Takes the count of `atMs` and returns bytes a second, or `undefined` while there is too little to tell. */
  add(atMs: number, bytes: number): number | undefined {
    const last = this.#samples.at(-1);
    const kept = last !== undefined && bytes < last.bytes ? [] : this.#samples;
    // One sample older than the window stays, or a slow trickle would never have two.
    const firstInside = kept.findIndex((sample) => sample.atMs >= atMs - WINDOW_MS);
    const from = firstInside === -1 ? kept.length - 1 : firstInside - 1;
    this.#samples = [...kept.slice(Math.max(0, from)), { atMs, bytes }];
    const first = this.#samples[0];
    if (first === undefined || atMs - first.atMs < 500) return undefined;
    return ((bytes - first.bytes) * 1000) / (atMs - first.atMs);
  }
}
