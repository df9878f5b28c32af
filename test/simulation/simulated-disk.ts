import type { BallotDecision, BallotSlot, JournalEntry } from '../../src/formats/restore-journal.ts';
import { lineOf, parseLines } from '../../src/restore/journal-lines.ts';

/** A journal that survives the crashes of its host: real lines, in memory. */
export class SimulatedDisk {
  #bytes = Buffer.alloc(0);
  readonly #decisions: Readonly<Record<'vote' | 'decided', Record<BallotSlot, BallotDecision[]>>> = {
    vote: { first: [], second: [] },
    decided: { first: [], second: [] },
  };

  append(entries: readonly JournalEntry[]): void {
    this.tear(entries, Infinity);
  }

  /** A power cut in the middle of an append: at most `keptBytes` of the line reached the disk. */
  tear(entries: readonly JournalEntry[], keptBytes: number): void {
    const line = Buffer.from(lineOf(entries));
    this.#bytes = Buffer.concat([this.#bytes, line.subarray(0, keptBytes)]);
    if (keptBytes < line.length) return;
    for (const entry of entries) {
      if (entry.type === 'vote' || entry.type === 'decided')
        this.#decisions[entry.type][entry.slot].push(entry.decision);
    }
  }

  /** What a start reads. The torn rest of the last line is cut off. */
  read(): JournalEntry[] {
    const { entries, endBytes } = parseLines(this.#bytes, 'simulated journal');
    this.#bytes = this.#bytes.subarray(0, endBytes);
    return entries;
  }

  votes(slot: BallotSlot): readonly BallotDecision[] {
    return this.#decisions.vote[slot];
  }

  decided(slot: BallotSlot): readonly BallotDecision[] {
    return this.#decisions.decided[slot];
  }
}
