import { AgentError } from '../base/agent-error.ts';
import type { Failure } from '../formats/identifiers.ts';
import type {
  BallotDecision,
  BallotSlot,
  Epoch,
  JournalEntry,
  OperationPhase,
  ParticipantPhase,
} from '../formats/restore-journal.ts';
import type { RestorePlan } from '../formats/restore-plan.ts';
import { openCoordinator, type CoordinatorState } from './coordinator-state.ts';
import { foldHooks, type HookRecord } from './hook-record.ts';
import type { ParticipantState } from './participant.ts';
import { isWorking } from './phases.ts';

/** What a journal says, read from front to back. */
export interface FoldedJournal {
  readonly plan: RestorePlan;
  readonly epoch: Epoch;
  readonly requestedBy: string;
  readonly openedAt: string;
  readonly endedAt?: string;
  readonly participant: ParticipantState;
  /** `phase/step` of each step recorded done: never asked again. */
  readonly doneSteps: ReadonlySet<string>;
  /** When etcd was first asked to stop, in milliseconds since the epoch. */
  readonly stopAskedAtMs?: number;
  /** The commands that ran for it or are due. */
  readonly hooks: readonly HookRecord[];
  /** Present where this host drives the operation. */
  readonly coordinator?: CoordinatorState;
}

type Decisions = Partial<Record<BallotSlot, BallotDecision>>;

/** @throws {AgentError} `JOURNAL_DAMAGED` when the first entry does not open an operation. */
export function foldJournal(entries: readonly JournalEntry[], graceMs: number): FoldedJournal {
  const first = entries[0];
  if (first?.type !== 'opened')
    throw new AgentError('JOURNAL_DAMAGED', 'the journal does not begin with a plan');
  const tally = new Tally();
  for (const entry of entries) tally.add(entry);
  const { plan, epoch, at, requestedBy } = first;
  return {
    plan,
    epoch,
    requestedBy,
    openedAt: at,
    doneSteps: tally.doneSteps,
    hooks: entries.reduce(foldHooks, []),
    participant: {
      phase: tally.phase,
      epoch,
      votes: tally.votes,
      decided: tally.decided,
      working: isWorking(tally.phase),
      failedTries: 0,
      resumed: false,
      ...(tally.failure === undefined ? {} : { failure: tally.failure }),
    },
    ...(tally.endedAt === undefined ? {} : { endedAt: tally.endedAt }),
    ...(tally.stopAskedAtMs === undefined ? {} : { stopAskedAtMs: tally.stopAskedAtMs }),
    ...(tally.coordinating ? { coordinator: tally.coordinator(plan, graceMs) } : {}),
  };
}

class Tally {
  phase: ParticipantPhase = 'preparing';
  votes: Decisions = {};
  decided: Decisions = {};
  failure: Failure | undefined;
  endedAt: string | undefined;
  stopAskedAtMs: number | undefined;
  coordinating = false;
  readonly doneSteps = new Set<string>();
  #operationPhase: OperationPhase = 'preparing';
  #operationFailure: Failure | undefined;
  #proposed: { slot: BallotSlot; decision: BallotDecision } | undefined;

  add(entry: JournalEntry): void {
    switch (entry.type) {
      case 'opened':
      case 'hook':
        break;
      case 'phase':
        this.#enter(entry.phase, entry.at);
        break;
      case 'step':
        if (entry.outcome === 'done') this.doneSteps.add(`${this.phase}/${entry.step}`);
        if (entry.step === 'stop' && entry.outcome === 'started') this.stopAskedAtMs ??= Date.parse(entry.at);
        break;
      case 'failure':
        this.failure = entry.failure;
        break;
      case 'vote':
        this.votes = { ...this.votes, [entry.slot]: entry.decision };
        break;
      case 'decided':
        this.decided = { ...this.decided, [entry.slot]: entry.decision };
        break;
      case 'coordinating':
        this.coordinating = true;
        break;
      case 'operation':
        this.#operationPhase = entry.phase;
        this.#operationFailure = entry.failure ?? this.#operationFailure;
        break;
      case 'proposed':
        this.#proposed = entry;
        break;
    }
  }

  #enter(phase: ParticipantPhase, at: string): void {
    this.phase = phase;
    this.failure = undefined;
    this.endedAt = phase === 'finished' || phase === 'aborted' || phase === 'rolled-back' ? at : undefined;
  }

  coordinator(plan: RestorePlan, graceMs: number): CoordinatorState {
    const proposed = this.#proposed;
    const hosts = plan.decided.hosts.map((host) => host.agent);
    return {
      ...openCoordinator(hosts, graceMs),
      phase: this.#operationPhase,
      ...(this.#operationFailure === undefined ? {} : { failure: this.#operationFailure }),
      ...(proposed === undefined
        ? {}
        : {
            ballot: {
              slot: proposed.slot,
              decision: proposed.decision,
              decided: this.decided[proposed.slot] === proposed.decision,
            },
          }),
    };
  }
}
