import { Breach } from './accidents.ts';

type Place =
  | 'member'
  | 'member.before'
  | 'member.restored'
  | 'staged-member'
  | 'wal'
  | 'wal.before'
  | 'wal.restored'
  | 'staged-wal'
  | 'staged.json'
  | 'wal-set-aside.done'
  | 'wal-installed.done'
  | 'wal-withdrawn.done'
  | 'hold';

type Change = (names: Map<Place, string>) => void;

/** The names on a host's disk, and what lies below each. A change is seen at once, and survives a power cut once it was synced. */
export class SimulatedDirectories {
  readonly #host: string;
  readonly #durable = new Map<Place, string>();
  #seen = new Map<Place, string>();
  #unsynced: Change[] = [];

  constructor(host: string) {
    this.#host = host;
  }

  get(place: Place): string | undefined {
    return this.#seen.get(place);
  }

  has(place: Place): boolean {
    return this.#seen.has(place);
  }

  contents(): readonly string[] {
    return [...this.#seen.values()];
  }

  put(place: Place, content: string): void {
    this.#change((names) => {
      names.set(place, content);
    });
  }

  remove(...places: readonly Place[]): void {
    this.#change((names) => {
      for (const place of places) names.delete(place);
    });
  }

  rename(from: Place, to: Place): void {
    if (!this.has(from)) return;
    const overwritten = this.#seen.get(to);
    if (overwritten !== undefined)
      throw new Breach(`I3: ${this.#host} would rename ${from} over ${to}, which is ${overwritten} data`);
    this.#change((names) => {
      const content = names.get(from);
      if (content === undefined) return;
      names.delete(from);
      names.set(to, content);
    });
  }

  sync(): void {
    for (const change of this.#unsynced) change(this.#durable);
    this.#unsynced = [];
  }

  /** Of the changes that were not synced, the first `part` are on the disk. */
  powerCut(part: number): void {
    const kept = Math.round(this.#unsynced.length * part);
    for (const change of this.#unsynced.slice(0, kept)) change(this.#durable);
    this.#unsynced = [];
    this.#seen = new Map(this.#durable);
  }

  erase(): void {
    this.#durable.clear();
    this.#seen.clear();
    this.#unsynced = [];
  }

  #change(change: Change): void {
    change(this.#seen);
    this.#unsynced.push(change);
  }
}
