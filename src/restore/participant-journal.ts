import type { Clock } from '../base/clock.ts';
import type { PassPoint } from '../base/crash-point.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import type { Failure } from '../formats/identifiers.ts';
import type { HookName, JournalEntry, ParticipantPhase } from '../formats/restore-journal.ts';
import type { FoldedJournal } from './fold-journal.ts';
import { dueHooks, foldHooks, type HookRecord } from './hook-record.ts';
import type { Journal } from './journal.ts';
import { nameOfLine } from './name-of-line.ts';

interface ParticipantJournalOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly pass: PassPoint;
  /** The commands of the configuration, by the hook that they are for. */
  readonly hooks: Readonly<Partial<Record<HookName, unknown>>>;
  /** Told what is in the journal now. */
  readonly onAppended?: (entries: readonly JournalEntry[]) => void;
}

/** One host's journal of an operation, and what must go into one line with the entries that call for it. */
export class ParticipantJournal {
  readonly #options: ParticipantJournalOptions;
  /** A line is made of what the line before it left. */
  readonly #turns = new OneAtATime();
  #hooks: readonly HookRecord[];
  #cause: Failure | undefined;
  #recordedCause: string | undefined;

  constructor(options: ParticipantJournalOptions, folded?: Pick<FoldedJournal, 'hooks' | 'cause'>) {
    this.#options = options;
    this.#hooks = folded?.hooks ?? [];
    this.#cause = folded?.cause;
    this.#recordedCause = folded?.cause?.message;
  }

  /** The commands of the configuration that ran here for the operation, or are due. */
  get hooks(): readonly HookRecord[] {
    return this.#hooks;
  }

  /** Why the operation does not go through, as its coordinator last said. */
  get cause(): Failure | undefined {
    return this.#cause;
  }

  /** Why nothing can be written at present. */
  get problem(): string | undefined {
    return this.#options.journal.problem;
  }

  /** Kept with the next line, once: this host's records then say why, also where another host failed. */
  hear(cause: Failure): void {
    this.#cause = cause;
  }

  /**
   * Appends entries, and in one line with them the commands that fall due by them: neither is there without the other.
   *
   * @param phaseOf - Where the host stands when the line is made.
   * @throws {AgentError} `JOURNAL_UNWRITABLE`. Nothing is taken for recorded then: the next line says it again.
   */
  async append(entries: readonly JournalEntry[], phaseOf: () => ParticipantPhase): Promise<void> {
    await this.#turns.run(() => this.#append(entries, phaseOf()));
  }

  /** Gives the room back that was taken for more: the operation has ended here. */
  async trim(): Promise<void> {
    await this.#options.journal.trim();
  }

  async close(): Promise<void> {
    await this.#turns.idle();
    await this.#options.journal.close();
  }

  async #append(entries: readonly JournalEntry[], phase: ParticipantPhase): Promise<void> {
    const { hooks: configured, pass, journal, onAppended } = this.#options;
    const due = dueHooks(entries, { phase, records: this.#hooks, cause: this.#cause, configured });
    const line = [...this.#newCause(), ...entries, ...due];
    const name = nameOfLine([...entries, ...due], phase);
    pass(`before ${name}`);
    await journal.append(line);
    pass(`after ${name}`);
    this.#hooks = line.reduce(foldHooks, this.#hooks);
    for (const entry of line) if (entry.type === 'cause') this.#recordedCause = entry.failure.message;
    onAppended?.(line);
  }

  #newCause(): JournalEntry[] {
    const failure = this.#cause;
    if (failure === undefined || failure.message === this.#recordedCause) return [];
    return [{ type: 'cause', at: new Date(this.#options.clock.now()).toISOString(), failure }];
  }
}
