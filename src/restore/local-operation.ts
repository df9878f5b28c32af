import type { Epoch, JournalEntry } from '../formats/restore-journal.ts';
import type { AdvanceRequest, KnownOutcome, ParticipantReport } from '../formats/restore-messages.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { OperationPlan } from '../formats/restore-plan.ts';
import { compareEpochs } from './ballot.ts';
import type { CoordinatorRunner } from './coordinator-runner.ts';
import { isOver, type CoordinatorState } from './coordinator-state.ts';
import { viewOf } from './operation-view.ts';
import { isToRun, keyOf, type HookRecord } from './hook-record.ts';
import type { ParticipantRunner } from './participant-runner.ts';
import { isClosed, isEnded } from './phases.ts';
import type { LinePlace } from './place-in-line.ts';

interface Facts {
  readonly plan: OperationPlan;
  readonly openedAt: string;
  readonly endedAt?: string;
}

/** What came after an operation, as this host knows it. */
type PlaceOf = (operation: string) => LinePlace;

/** One operation as this host holds it: its own part, and the whole of it where this host drives. */
export class LocalOperation {
  readonly plan: OperationPlan;
  readonly openedAt: string;
  readonly participant: ParticipantRunner;
  readonly #placeOf: PlaceOf;
  #coordinator: CoordinatorRunner | undefined;
  #endedAt: string | undefined;
  #settled = false;
  readonly #takenHooks = new Set<string>();

  constructor(facts: Facts, participant: ParticipantRunner, placeOf: PlaceOf) {
    this.plan = facts.plan;
    this.openedAt = facts.openedAt;
    this.#endedAt = facts.endedAt;
    this.participant = participant;
    this.#placeOf = placeOf;
  }

  get id(): string {
    return this.plan.decided.operation;
  }

  get coordinator(): CoordinatorRunner | undefined {
    return this.#coordinator;
  }

  coordinateBy(runner: CoordinatorRunner): void {
    this.#coordinator = runner;
  }

  /** Drives it no longer: what this host was asking of the others has ended when this resolves. */
  async stepDown(): Promise<void> {
    const coordinator = this.#coordinator;
    this.#coordinator = undefined;
    await coordinator?.close();
  }

  /** The newest epoch that this host knows of. */
  get epoch(): Epoch {
    const { epoch } = this.participant.state;
    const driving = this.#coordinator?.state.epoch;
    return driving !== undefined && compareEpochs(driving, epoch) > 0 ? driving : epoch;
  }

  /** Whether this host is still bound to it: then it takes part in no other. */
  get isActive(): boolean {
    if (!isClosed(this.participant.state.phase)) return true;
    return this.isDriven;
  }

  /** This host drives it, and it goes on. */
  get isDriven(): boolean {
    return this.#coordinator !== undefined && !isOver(this.#coordinator.state);
  }

  /** It goes on: it was stuck, or is driven by this host now. */
  reopen(): void {
    this.#endedAt = undefined;
    this.#settled = false;
  }

  /** Notes the end, once. */
  noteEnd(at: string): void {
    const phase = this.#driving?.phase;
    const ended = phase === undefined ? isClosed(this.participant.state.phase) : isEnded(phase);
    if (ended) this.#endedAt ??= at;
  }

  /** The operation as this host drives it; `undefined` where another host does. */
  get #driving(): CoordinatorState | undefined {
    const state = this.#coordinator?.state;
    return state?.deposedBy === undefined ? state : undefined;
  }

  /** Nothing more will happen here, and nothing waits for a person. */
  get isSettled(): boolean {
    return !this.isActive && this.#driving?.phase !== 'stuck';
  }

  /** Notes once that it is settled. True when that happened just now. */
  noteSettled(): boolean {
    if (this.#settled || !this.isSettled) return false;
    this.#settled = true;
    return true;
  }

  /** The commands that are still to be run, each once for each start of the agent. */
  takeHooks(): HookRecord[] {
    const open = this.participant.hooks.filter(
      (record) => isToRun(record) && !this.#takenHooks.has(keyOf(record)),
    );
    for (const record of open) this.#takenHooks.add(keyOf(record));
    return open;
  }

  append(entries: readonly JournalEntry[]): Promise<void> {
    return this.participant.append(entries);
  }

  advance(request: AdvanceRequest, signal: AbortSignal): Promise<ParticipantReport> {
    return this.participant.advance(request, signal);
  }

  outcome(): KnownOutcome {
    const driving = this.#driving;
    const ballot = driving?.ballot;
    return {
      known: true,
      epoch: this.epoch,
      ...(driving === undefined ? {} : { drives: driving.phase }),
      ...this.participant.state.decided,
      ...(ballot?.decided === true ? { [ballot.slot]: ballot.decision } : {}),
    };
  }

  view(): OperationView {
    return viewOf({
      plan: this.plan,
      openedAt: this.openedAt,
      own: this.participant.report(),
      hooks: this.participant.hooks,
      unheardMs: this.participant.unheardMs,
      journalProblem: this.participant.journal.problem,
      cause: this.participant.cause,
      place: this.#placeOf(this.id),
      ...(this.#endedAt === undefined ? {} : { endedAt: this.#endedAt }),
      ...(this.#driving === undefined
        ? {}
        : { coordinator: this.#driving, gate: this.#coordinator?.gate, stillMs: this.#coordinator?.stillMs }),
    });
  }

  async close(): Promise<void> {
    await this.#coordinator?.close();
    await this.participant.close();
  }
}
