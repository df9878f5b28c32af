import type { JournalEntry } from '../../src/formats/restore-journal.ts';
import { lineOf, parseLines } from '../../src/restore/journal-lines.ts';
import { Breach, CallFailed, HostDown } from './accidents.ts';

/** What happens in the middle of the next append. */
export type AppendAccident =
  | 'killed-before-write'
  | 'killed-before-sync'
  | 'killed-after-sync'
  | 'power-cut-before-sync'
  | 'error-nothing-written'
  | 'error-part-written'
  | 'error-all-written';

export interface PendingAccident {
  readonly accident: AppendAccident;
  /** From 0 to 1: how much of the line. */
  readonly part: number;
}

/** A journal's file: real lines, of which the last one may not have reached the disk yet. */
export class SimulatedJournal {
  readonly #host: string;
  /** What a read gives, and what a power cut leaves for sure. */
  #seen = '';
  #onDisk = '';
  /** Behind it lies what a failed append left, until the next one takes its place. */
  #end = 0;
  /** As many entries were acknowledged: they must be there after every crash. */
  #acknowledged = 0;
  #nextAccident: PendingAccident | undefined;

  constructor(host: string) {
    this.#host = host;
  }

  arm(accident: PendingAccident): void {
    this.#nextAccident = accident;
  }

  /** A failed append may have left lines that a restart reads. */
  get isUnsettled(): boolean {
    return this.#seen.length > this.#end;
  }

  disarm(): void {
    this.#nextAccident = undefined;
  }

  /** @throws {CallFailed} `JOURNAL_UNWRITABLE`: whether the entries are there is not known then. */
  append(entries: readonly JournalEntry[]): void {
    const line = lineOf(entries);
    const { accident, part } = this.#nextAccident ?? { accident: undefined, part: 0 };
    this.#nextAccident = undefined;
    if (accident === 'killed-before-write') throw new HostDown(this.#host, false);
    if (accident === 'error-nothing-written') throw unwritable();
    const isTorn = accident === 'error-part-written';
    const written = isTorn ? line.slice(0, Math.floor(line.length * part)) : line;
    this.#seen = this.#seen.slice(0, this.#end) + written;
    if (isTorn || accident === 'error-all-written') throw unwritable();
    if (accident === 'killed-before-sync') throw new HostDown(this.#host, false);
    if (accident === 'power-cut-before-sync') throw new HostDown(this.#host, true);
    this.#onDisk = this.#seen;
    if (accident === 'killed-after-sync') throw new HostDown(this.#host, false);
    this.#end = this.#seen.length;
    this.#acknowledged += entries.length;
  }

  /** The file is removed: its first line could not be written. */
  discard(): void {
    this.#seen = '';
  }

  /** @param part - From 0 to 1: how much of what was not synced is on the disk all the same. */
  powerCut(part: number): void {
    const unsynced = this.#seen.length - this.#end;
    this.#seen = part < 0.4 ? this.#onDisk : this.#seen.slice(0, this.#end + Math.ceil(unsynced * part));
    this.#onDisk = this.#seen;
  }

  /** What a start reads and syncs. The torn rest of the last line is cut off. */
  open(): JournalEntry[] {
    const { entries, endBytes } = parseLines(Buffer.from(this.#seen, 'latin1'), 'simulated journal');
    if (entries.length < this.#acknowledged) {
      throw new Breach(`I8: ${this.#host} lost ${this.#acknowledged - entries.length} synced entries`);
    }
    this.#seen = this.#seen.slice(0, endBytes);
    this.#onDisk = this.#seen;
    this.#end = endBytes;
    this.#acknowledged = entries.length;
    return entries;
  }
}

function unwritable(): CallFailed {
  return new CallFailed('JOURNAL_UNWRITABLE', 'a write failed');
}
