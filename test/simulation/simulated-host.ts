import type {
  BallotSlot,
  Epoch,
  JournalEntry,
  TakeoverOrder,
  Vote,
} from '../../src/formats/restore-journal.ts';
import type { FoundState, RestorePlan } from '../../src/formats/restore-plan.ts';
import { HostDown } from './accidents.ts';
import type { Request } from './messages.ts';
import type { Rules } from './rules.ts';
import { SimulatedAgent } from './simulated-agent.ts';
import { SimulatedJournal } from './simulated-journal.ts';
import { SimulatedMachine } from './simulated-machine.ts';
import type { SimulatedSnapshots } from './simulated-snapshots.ts';

/** What an operator answered for, and the coordinator that goes on with it. */
export interface Forced {
  readonly epoch: Epoch;
  readonly order: TakeoverOrder;
}

export interface HostOptions {
  readonly onForced: (forced: Forced) => void;
  readonly name: string;
  readonly plan: RestorePlan;
  readonly graceMs: number;
  readonly rules: Rules;
  readonly found: FoundState;
  readonly separateWal: boolean;
  readonly snapshots: SimulatedSnapshots;
  /** The disk of another host, while its agent can be reached from this one. */
  readonly reachSnapshots: (holder: string) => SimulatedSnapshots | undefined;
  readonly say: (words: string) => void;
  /** Milliseconds on the world's clock. */
  readonly worldMs: () => number;
  readonly nextId: () => number;
  readonly post: (request: Request) => void;
}

/** One host: a disk that outlives its agent, a machine, and the agent while its process runs. */
export class SimulatedHost {
  readonly name: string;
  readonly machine: SimulatedMachine;
  readonly #options: HostOptions;
  agent: SimulatedAgent | undefined;
  /** The agent's process is stopped and will go on where it was. */
  isFrozen = false;
  /** For good: it never comes back. */
  isDead = false;
  isReimaged = false;
  /** Its etcd is not started at the next boot: an operator sees to it. */
  isKeptBack = false;
  /** It stays off until then: an operator gave it up for a rollback. */
  isKeptOff = false;
  /** How far its clock is from the world's. */
  clockOffsetMs = 0;
  journal: SimulatedJournal;
  /** Everything that was ever synced here, also before the host was lost. */
  readonly votes: Readonly<Record<BallotSlot, Vote[]>> = { first: [], second: [] };
  readonly decided: Readonly<Record<BallotSlot, Set<string>>> = { first: new Set(), second: new Set() };
  /** Grows with each vote and each decision. */
  ballots = 0;
  /** Grows with everything that an invariant could be about. */
  changes = 0;

  constructor(options: HostOptions) {
    this.#options = options;
    const { name, found, separateWal, snapshots } = options;
    this.name = name;
    this.machine = new SimulatedMachine({ host: name, found, separateWal, snapshots });
    this.journal = new SimulatedJournal(name);
  }

  /** Whether it takes part: what becomes of a lost host is nobody's concern. */
  get isLeft(): boolean {
    return !this.isDead && !this.isReimaged;
  }

  /** The agent answers and acts now. */
  get running(): SimulatedAgent | undefined {
    return this.isFrozen ? undefined : this.agent;
  }

  start(): void {
    if (this.agent !== undefined || this.isDead || this.isKeptOff) return;
    this.changes += 1;
    if (!this.machine.isOn) {
      this.machine.boot(this.isKeptBack);
      this.isKeptBack = false;
      this.#say('boots');
      return;
    }
    this.#say('its agent starts');
    this.guard(() => {
      const entries = this.journal.open();
      this.#note(entries);
      this.agent = SimulatedAgent.start(this.#surroundings(), entries);
    });
  }

  /** Runs what the agent does. An accident in the middle of it takes the agent down. */
  guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof HostDown) || error.host !== this.name) throw error;
      this.crash(error.power, 1);
    } finally {
      this.changes += 1;
    }
  }

  /** @param part - From 0 to 1: how much of what was not synced is on the disk all the same. */
  crash(power: boolean, part: number): void {
    this.changes += 1;
    this.agent = undefined;
    this.isFrozen = false;
    this.journal.disarm();
    this.#say(power ? 'its power is cut' : 'its agent is killed');
    if (!power) return;
    this.journal.powerCut(part);
    this.machine.powerCut(part);
  }

  /** A new machine with a new state directory under the old name. */
  reimage(): void {
    this.crash(true, 0);
    this.isReimaged = true;
    this.journal = new SimulatedJournal(this.name);
    this.machine.reimage();
    this.#say('is reimaged');
  }

  #say(words: string): void {
    this.#options.say(`${this.name} ${words}`);
  }

  #surroundings() {
    const { name, worldMs, plan } = this.#options;
    const own = plan.decided.hosts.find(({ agent }) => agent === name);
    return {
      ...this.#options,
      host: name,
      journalId: this.isReimaged ? REIMAGED_ID : (own?.journalId ?? REIMAGED_ID),
      machine: this.machine,
      append: (entries: readonly JournalEntry[]) => {
        this.#append(entries);
      },
      discardJournal: () => {
        this.journal.discard();
      },
      say: (words: string) => {
        this.#say(words);
      },
      nowMs: () => worldMs() + this.clockOffsetMs,
    };
  }

  #append(entries: readonly JournalEntry[]): void {
    this.changes += 1;
    this.journal.append(entries);
    this.#note(entries);
  }

  #note(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      if (entry.type === 'vote' || entry.type === 'decided') this.ballots += 1;
      if (entry.type === 'vote')
        this.votes[entry.slot].push({ decision: entry.decision, epoch: entry.epoch });
      if (entry.type === 'decided') this.decided[entry.slot].add(entry.decision);
      if (entry.type === 'coordinating' && entry.order !== undefined)
        this.#options.onForced({ epoch: entry.epoch, order: entry.order });
    }
  }

  /** Whether it ever voted so for this coordinator. */
  hasVoted(slot: BallotSlot, decision: string, { counter, agent }: Epoch): boolean {
    return this.votes[slot].some(
      (vote) => vote.decision === decision && vote.epoch.counter === counter && vote.epoch.agent === agent,
    );
  }
}

const REIMAGED_ID = '00000000-0000-4000-8000-ffffffffffff';
