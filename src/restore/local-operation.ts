import type { JournalEntry } from '../formats/restore-journal.ts';
import type { AdvanceRequest, ParticipantReport } from '../formats/restore-messages.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { RestorePlan } from '../formats/restore-plan.ts';
import type { CoordinatorRunner } from './coordinator-runner.ts';
import { viewOf } from './operation-view.ts';
import { isToRun, keyOf, type HookRecord } from './hook-record.ts';
import type { ParticipantRunner } from './participant-runner.ts';
import { isClosed, isEnded } from './phases.ts';

interface Facts {
  readonly plan: RestorePlan;
  readonly openedAt: string;
  readonly requestedBy: string;
  readonly endedAt?: string;
}

/** One operation as this host holds it: its own part, and the whole of it where this host drives. */
export class LocalOperation {
  readonly plan: RestorePlan;
  readonly openedAt: string;
  readonly requestedBy: string;
  readonly participant: ParticipantRunner;
  #coordinator: CoordinatorRunner | undefined;
  #endedAt: string | undefined;
  #settled = false;
  readonly #takenHooks = new Set<string>();

  constructor(facts: Facts, participant: ParticipantRunner) {
    this.plan = facts.plan;
    this.openedAt = facts.openedAt;
    this.requestedBy = facts.requestedBy;
    this.#endedAt = facts.endedAt;
    this.participant = participant;
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

  /** Whether this host is still bound to it: then it takes part in no other. */
  get isActive(): boolean {
    if (!isClosed(this.participant.state.phase)) return true;
    return this.#coordinator !== undefined && !isEnded(this.#coordinator.state.phase);
  }

  /** Notes the end once. True when it ended just now. */
  noteEnd(at: string): boolean {
    const { phase } = this.#coordinator?.state ?? { phase: undefined };
    const ended = phase === undefined ? isClosed(this.participant.state.phase) : isEnded(phase);
    if (!ended || this.#endedAt !== undefined) return false;
    this.#endedAt = at;
    return true;
  }

  /** Nothing more will happen here, and nothing waits for a person. */
  get isSettled(): boolean {
    return !this.isActive && this.#coordinator?.state.phase !== 'stuck';
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

  view(): OperationView {
    return viewOf({
      plan: this.plan,
      openedAt: this.openedAt,
      own: this.participant.report(),
      hooks: this.participant.hooks,
      ...(this.#endedAt === undefined ? {} : { endedAt: this.#endedAt }),
      ...(this.#coordinator === undefined
        ? {}
        : { coordinator: this.#coordinator.state, gate: this.#coordinator.gate }),
    });
  }

  async close(): Promise<void> {
    await this.#coordinator?.close();
    await this.participant.close();
  }
}
