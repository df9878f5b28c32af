import { AgentError } from '../base/agent-error.ts';
import type { Failure } from '../formats/identifiers.ts';
import type {
  BallotDecision,
  BallotSlot,
  Epoch,
  JournalEntry,
  OperationPhase,
  ParticipantPhase,
  TakeoverOrder,
  Vote,
} from '../formats/restore-journal.ts';
import type { OperationPlan } from '../formats/restore-plan.ts';
import { compareEpochs } from './ballot.ts';
import { openCoordinator, openTakeover, type CoordinatorState } from './coordinator-state.ts';
import { foldHooks, type HookRecord } from './hook-record.ts';
import type { ParticipantState } from './participant.ts';
import { isWorking, leadsOut } from './phases.ts';

/** What a journal says, read from front to back. */
export interface FoldedJournal {
  readonly plan: OperationPlan;
  readonly requestedBy: string;
  readonly openedAt: string;
  readonly endedAt?: string;
  readonly participant: ParticipantState;
  /** `phase/step` of each step recorded done: never asked again. */
  readonly doneSteps: ReadonlySet<string>;
  /** Why the operation does not go through, where its coordinator said so. */
  readonly cause?: Failure;
  /** When etcd was first asked to stop, in milliseconds since the epoch. */
  readonly stopAskedAtMs?: number;
  /** The commands that ran for it or are due. */
  readonly hooks: readonly HookRecord[];
  /** Present where this host drives the operation. */
  readonly coordinator?: CoordinatorState;
}

type Votes = Partial<Record<BallotSlot, Vote>>;
type Decisions = Partial<Record<BallotSlot, BallotDecision>>;

/** @throws {AgentError} `JOURNAL_DAMAGED` when the first entry does not open an operation. */
export function foldJournal(entries: readonly JournalEntry[], graceMs: number): FoldedJournal {
  const first = entries[0];
  if (first?.type !== 'opened')
    throw new AgentError('JOURNAL_DAMAGED', 'the journal does not begin with a plan');
  const { plan, at, requestedBy } = first;
  const tally = new Tally(first.epoch);
  for (const entry of entries) tally.add(entry);
  const coordinator = tally.coordinator(plan, graceMs);
  return {
    plan,
    requestedBy,
    openedAt: at,
    doneSteps: tally.doneSteps,
    hooks: entries.reduce(foldHooks, []),
    participant: {
      phase: tally.phase,
      epoch: tally.epoch,
      votes: tally.votes,
      decided: tally.decided,
      working: isWorking(tally.phase),
      failedTries: 0,
      resumed: false,
      ...(tally.failure === undefined ? {} : { failure: tally.failure }),
    },
    ...(tally.cause === undefined ? {} : { cause: tally.cause }),
    ...(tally.endedAt === undefined ? {} : { endedAt: tally.endedAt }),
    ...(tally.stopAskedAtMs === undefined ? {} : { stopAskedAtMs: tally.stopAskedAtMs }),
    ...(coordinator === undefined ? {} : { coordinator }),
  };
}

type Proposed = Pick<Extract<JournalEntry, { type: 'proposed' }>, 'slot' | 'decision'>;

interface Driving {
  readonly epoch: Epoch;
  readonly order: TakeoverOrder | undefined;
  operation: Extract<JournalEntry, { type: 'operation' }> | undefined;
  proposed: Proposed | undefined;
}

class Tally {
  phase: ParticipantPhase = 'preparing';
  /** Whom this host follows. */
  epoch: Epoch;
  votes: Votes = {};
  decided: Decisions = {};
  failure: Failure | undefined;
  cause: Failure | undefined;
  endedAt: string | undefined;
  stopAskedAtMs: number | undefined;
  readonly doneSteps = new Set<string>();
  #driving: Driving | undefined;

  constructor(epoch: Epoch) {
    this.epoch = epoch;
  }

  add(entry: JournalEntry): void {
    switch (entry.type) {
      case 'opened':
      case 'hook':
        break;
      case 'cause':
        this.cause = entry.failure;
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
        this.votes = { ...this.votes, [entry.slot]: { decision: entry.decision, epoch: entry.epoch } };
        break;
      case 'promised':
        this.#promised(entry.epoch);
        break;
      case 'decided':
        this.decided = { ...this.decided, [entry.slot]: entry.decision };
        break;
      case 'coordinating':
        this.#driving = { epoch: entry.epoch, order: entry.order, operation: undefined, proposed: undefined };
        break;
      case 'operation':
        if (this.#driving !== undefined) this.#driving.operation = entry;
        break;
      case 'proposed':
        if (this.#driving !== undefined) this.#driving.proposed = entry;
        break;
    }
  }

  /** As a promise does while the agent runs: what drove the operation is over, and what kept it from its end may be mended. */
  #promised(epoch: Epoch): void {
    this.epoch = epoch;
    const { phase } = this;
    if (leadsOut(phase) || phase === 'committing') this.failure = undefined;
    if (this.#driving !== undefined && compareEpochs(this.#driving.epoch, epoch) < 0)
      this.#driving = undefined;
  }

  #enter(phase: ParticipantPhase, at: string): void {
    this.phase = phase;
    this.failure = undefined;
    this.endedAt = phase === 'finished' || phase === 'aborted' || phase === 'rolled-back' ? at : undefined;
  }

  /** As this host drove the operation when it went down; `undefined` where another host does. */
  coordinator(plan: OperationPlan, graceMs: number): CoordinatorState | undefined {
    if (this.#driving === undefined) return undefined;
    const { epoch, order, operation, proposed } = this.#driving;
    const { decided } = plan;
    const opened =
      epoch.counter === 1
        ? openCoordinator(decided, epoch, graceMs)
        : openTakeover(decided, epoch, graceMs, order);
    const ballot = this.#ballot(operation?.phase, proposed);
    return operation === undefined
      ? { ...opened, ...ballot }
      : {
          ...opened,
          phase: operation.phase,
          without: operation.without ?? opened.without,
          operatorAccepts: operation.operatorAccepts === true,
          ...(operation.failure === undefined ? {} : { failure: operation.failure }),
          ...ballot,
        };
  }

  /** What a takeover found decided was not proposed by this host. */
  #ballot(
    phase: OperationPhase | undefined,
    proposed: Proposed | undefined,
  ): Pick<CoordinatorState, 'ballot'> {
    const slot = proposed?.slot ?? (this.decided.second === undefined ? 'first' : 'second');
    const decision = proposed?.decision ?? this.decided[slot];
    if (decision === undefined || phase === undefined || phase === 'taking-over') return {};
    return { ballot: { slot, decision, decided: this.decided[slot] === decision } };
  }
}
