import type { Epoch, JournalEntry } from '../../src/formats/restore-journal.ts';
import type { Goal, KnownOutcome, ParticipantReport } from '../../src/formats/restore-messages.ts';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { moveCoordinator } from '../../src/restore/coordinator.ts';
import {
  openCoordinator,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
} from '../../src/restore/coordinator-state.ts';
import { coordinatorEntries, participantEntries } from '../../src/restore/effect-entries.ts';
import { foldJournal } from '../../src/restore/fold-journal.ts';
import {
  moveParticipant,
  openParticipant,
  type ParticipantEvent,
  type ParticipantMove,
  type ParticipantState,
} from '../../src/restore/participant.ts';
import { isClosed, isEnded, leadsOut, type WorkingPhase } from '../../src/restore/phases.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { ACTS, SimulatedMachine } from './simulated-machine.ts';

const AT = '2026-11-23T15:00:00.000Z';

export interface HostSettings {
  readonly agent: string;
  readonly plan: RestorePlan;
  readonly epoch: Epoch;
  readonly graceMs: number;
  /** Asked before each append: does the host go down now, and how much of the line reaches the disk? */
  readonly crashesAt: (lineBytes: number) => { readonly keptBytes: number } | undefined;
}

/** One agent: the real machines over a disk that survives it, and work that takes as many acts as the real steps. */
export class SimulatedHost {
  readonly agent: string;
  readonly disk = new SimulatedDisk();
  readonly machine = new SimulatedMachine();
  readonly #settings: HostSettings;
  isUp = true;
  participant: ParticipantState | undefined;
  coordinator: CoordinatorState | undefined;
  /** What the coordinator asked of its surroundings and has no answer to yet. */
  waiting: CoordinatorEffect[] = [];
  /** Grows with everything that an invariant could be about. */
  changes = 0;
  #work: { phase: WorkingPhase; actsDone: number } | undefined;

  constructor(settings: HostSettings) {
    this.#settings = settings;
    this.agent = settings.agent;
  }

  /** Whether this host has nothing more to do, and drives nothing. */
  get isDone(): boolean {
    const { participant, coordinator } = this;
    return (
      (participant === undefined || isClosed(participant.phase) || this.isStuck) &&
      (coordinator === undefined || isEnded(coordinator.phase))
    );
  }

  /** It cannot get out of the operation, and reports so: a person must look. */
  get isStuck(): boolean {
    const { participant } = this;
    return participant?.failure !== undefined && leadsOut(participant.phase);
  }

  /** Takes part in the operation from now on; `coordinating`: drives it too. */
  open(coordinating: boolean): void {
    const entries: JournalEntry[] = [this.#opening()];
    if (coordinating) entries.push({ type: 'coordinating', at: AT, epoch: this.#settings.epoch });
    if (!this.#append(entries)) return;
    const { epoch, plan, graceMs } = this.#settings;
    this.#become(openParticipant(epoch));
    if (!coordinating) return;
    this.coordinator = openCoordinator(plan.decided.hosts, epoch, graceMs);
  }

  /** @returns The report, or `undefined` where the host knows nothing of the operation. */
  advance(goal: Goal): ParticipantReport | undefined {
    if (this.participant === undefined && goal === 'prepare') this.open(false);
    this.dispatch({ type: 'advance', goal, epoch: this.#settings.epoch });
    return this.isUp ? this.report() : undefined;
  }

  report(): ParticipantReport | undefined {
    const { participant } = this;
    if (participant === undefined) return undefined;
    const { phase, epoch, votes, decided, failure } = participant;
    const { plan } = this.#settings;
    return {
      operation: plan.decided.operation,
      agent: this.agent,
      journalId: plan.decided.hosts.find(({ agent }) => agent === this.agent)?.journalId ?? '',
      version: 1,
      epoch,
      phase,
      votes,
      decided,
      ...(failure === undefined ? {} : { failure }),
    };
  }

  outcome(): KnownOutcome {
    if (this.participant === undefined) return { known: false };
    const ballot = this.coordinator?.ballot;
    return {
      known: true,
      ...this.participant.decided,
      ...(ballot?.decided === true ? { [ballot.slot]: ballot.decision } : {}),
    };
  }

  dispatch(event: ParticipantEvent): void {
    if (this.participant === undefined || !this.isUp) return;
    const move = moveParticipant(this.participant, event);
    const entries = participantEntries(move.effects, move.state.epoch, AT);
    if (entries.length === 0 || this.#append(entries)) this.#become(move);
  }

  drive(event: CoordinatorEvent): void {
    if (this.coordinator === undefined || !this.isUp) return;
    const { state, effects } = moveCoordinator(this.coordinator, event);
    const entries = coordinatorEntries(effects, state.epoch, AT);
    if (entries.length > 0 && !this.#append(entries)) return;
    this.coordinator = state;
    const asked = ['check-guards', 'run-gate', 'check-writes'];
    this.waiting.push(...effects.filter(({ type }) => asked.includes(type)));
  }

  /** Goes on with the work of the phase by one act; after the last one it is done. */
  act(): void {
    const work = this.#work;
    if (work === undefined) return;
    const act = ACTS[work.phase][work.actsDone];
    if (act !== undefined) {
      this.changes += 1;
      act(this.machine);
      work.actsDone += 1;
      return;
    }
    this.#work = undefined;
    this.dispatch({ type: 'work-done', phase: work.phase });
  }

  fail(): void {
    const work = this.#work;
    if (work === undefined) return;
    this.#work = undefined;
    const failure = { code: 'RESTORE_STEP_FAILED', message: `${work.phase} failed` };
    this.dispatch({ type: 'work-failed', phase: work.phase, failure });
  }

  /** The agent is gone. With `reboot`, its machine too. */
  crash(reboot: boolean): void {
    this.changes += 1;
    this.isUp = false;
    this.participant = undefined;
    this.coordinator = undefined;
    this.waiting = [];
    this.#work = undefined;
    if (reboot) this.machine.reboot();
  }

  start(): void {
    this.isUp = true;
    const entries = this.disk.read();
    if (entries.length === 0) return;
    const folded = foldJournal(entries, this.#settings.graceMs);
    this.participant = folded.participant;
    this.coordinator = folded.coordinator;
    if (!isClosed(folded.participant.phase)) this.dispatch({ type: 'resumed' });
    if (this.coordinator !== undefined && !isEnded(this.coordinator.phase)) this.drive({ type: 'resumed' });
  }

  #become({ state, effects }: ParticipantMove): void {
    this.changes += 1;
    this.participant = state;
    for (const effect of effects) {
      if (effect.type === 'interrupt') this.#work = undefined;
      if (effect.type === 'work') this.#work = { phase: effect.phase, actsDone: 0 };
    }
  }

  /** False when the host went down over it. */
  #append(entries: readonly JournalEntry[]): boolean {
    const lineBytes = JSON.stringify(entries).length + 10;
    const crash = this.#settings.crashesAt(lineBytes);
    if (crash === undefined) {
      this.disk.append(entries);
      return true;
    }
    this.disk.tear(entries, crash.keptBytes);
    this.crash(false);
    return false;
  }

  #opening(): JournalEntry {
    const { plan, epoch } = this.#settings;
    const { operation } = plan.decided;
    return { type: 'opened', at: AT, version: 1, operation, epoch, requestedBy: 'simulation', plan };
  }
}
