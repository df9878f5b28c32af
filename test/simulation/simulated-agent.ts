import type { Epoch, JournalEntry, TakeoverOrder } from '../../src/formats/restore-journal.ts';
import type { KnownOutcome, OperatorRequest, ParticipantReport } from '../../src/formats/restore-messages.ts';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { compareEpochs } from '../../src/restore/ballot.ts';
import {
  isOver,
  openCoordinator,
  openTakeover,
  type CoordinatorState,
} from '../../src/restore/coordinator-state.ts';
import { participantEntries } from '../../src/restore/effect-entries.ts';
import { foldJournal } from '../../src/restore/fold-journal.ts';
import { isTurnOf, judgeOutcomes } from '../../src/restore/judge-outcomes.ts';
import { refusalOf } from '../../src/restore/judge-request.ts';
import { openLateParticipant, openParticipant } from '../../src/restore/participant.ts';
import { isClosed } from '../../src/restore/phases.ts';
import { CallFailed } from './accidents.ts';
import type { Request } from './messages.ts';
import type { SnapshotPlace } from './prepare-steps.ts';
import type { Rules } from './rules.ts';
import { SimulatedCoordinator } from './simulated-coordinator.ts';
import type { SimulatedMachine } from './simulated-machine.ts';
import type { SimulatedSnapshots } from './simulated-snapshots.ts';
import { SimulatedParticipant } from './simulated-participant.ts';

export interface AgentSurroundings {
  readonly host: string;
  readonly journalId: string;
  readonly plan: RestorePlan;
  readonly graceMs: number;
  readonly rules: Rules;
  readonly machine: SimulatedMachine;
  readonly reachSnapshots: (holder: string) => SimulatedSnapshots | undefined;
  readonly append: (entries: readonly JournalEntry[]) => void;
  /** Removes a journal that could not be made. */
  readonly discardJournal: () => void;
  readonly say: (words: string) => void;
  readonly nowMs: () => number;
  readonly nextId: () => number;
  readonly post: (request: Request) => void;
}

/** The agent's process on one host, from its start to its end: what `Operations` does for one operation. */
export class SimulatedAgent {
  readonly #around: AgentSurroundings;
  participant: SimulatedParticipant | undefined;
  coordinator: SimulatedCoordinator | undefined;
  #heardAtMs: number;
  readonly #place: SnapshotPlace;

  private constructor(around: AgentSurroundings) {
    this.#around = around;
    this.#heardAtMs = around.nowMs();
    const { host, plan, reachSnapshots: reach } = around;
    this.#place = { host, plan, reach, arrivedVerified: false, verifiedFile: undefined };
  }

  /** @param entries - What the journal says. The host goes on with what it drove. */
  static start(around: AgentSurroundings, entries: readonly JournalEntry[]): SimulatedAgent {
    const agent = new SimulatedAgent(around);
    const { directories } = around.machine;
    directories.sync();
    if (entries.length === 0) return agent;
    const folded = foldJournal(entries, around.graceMs);
    agent.participant = new SimulatedParticipant(agent.#surroundings(), folded.participant, folded.doneSteps);
    if (!isClosed(folded.participant.phase)) agent.participant.dispatch({ type: 'resumed' });
    if (folded.coordinator !== undefined) {
      agent.#coordinate(folded.coordinator);
      agent.coordinator?.start(true);
    }
    return agent;
  }

  get unheardMs(): number {
    const now = this.#around.nowMs();
    this.#heardAtMs = Math.min(this.#heardAtMs, now);
    return now - this.#heardAtMs;
  }

  /** The newest epoch that this host knows of. */
  get epoch(): Epoch | undefined {
    const followed = this.participant?.state.epoch;
    const driven = this.coordinator?.state.epoch;
    if (followed === undefined || driven === undefined) return followed;
    return compareEpochs(driven, followed) > 0 ? driven : followed;
  }

  get isDriven(): boolean {
    return this.coordinator !== undefined && !isOver(this.coordinator.state);
  }

  /** The operation as this host drives it. */
  get driving(): CoordinatorState | undefined {
    const state = this.coordinator?.state;
    return state?.deposedBy === undefined ? state : undefined;
  }

  get isActive(): boolean {
    const { participant } = this;
    return participant !== undefined && (!isClosed(participant.state.phase) || this.isDriven);
  }

  /** Starts the confirmed plan with this host as its coordinator. */
  run(): void {
    const { plan, graceMs, host } = this.#around;
    const epoch = { counter: 1, agent: host };
    this.#open(epoch, 'coordinator');
    this.#coordinate(openCoordinator(plan.decided, epoch, graceMs));
  }

  /** @throws {CallFailed} as the real methods `restore.advance` and `restore.promise` do. */
  answer(request: Request): ParticipantReport {
    const participant = this.participant ?? this.#openFor(request);
    const { epoch, goal } = request;
    if (goal === undefined) {
      const driving = this.coordinator?.state.epoch;
      if (driving !== undefined && compareEpochs(driving, epoch) < 0) this.coordinator = undefined;
    }
    const { refusesOldEpochs } = this.#around.rules;
    const isOld = compareEpochs(epoch, participant.state.epoch) < 0;
    if (isOld && refusesOldEpochs)
      throw new CallFailed('OPERATION_STALE_EPOCH', 'a newer coordinator drives it');
    this.#heardAtMs = this.#around.nowMs();
    if (goal === undefined) participant.dispatch({ type: 'promise', epoch }, epoch);
    else
      participant.dispatch({ type: 'advance', goal, epoch: isOld ? participant.state.epoch : epoch }, epoch);
    return this.report(participant);
  }

  report(participant: SimulatedParticipant): ParticipantReport {
    const { phase, epoch, votes, decided, failure } = participant.state;
    const { plan, host, journalId } = this.#around;
    return {
      operation: plan.decided.operation,
      agent: host,
      journalId,
      version: participant.version,
      epoch,
      phase,
      votes: { ...votes },
      decided: { ...decided },
      ...(failure === undefined ? {} : { failure }),
      ...(participant.hasServed ? { served: true } : {}),
    };
  }

  /** @throws {CallFailed} `OPERATION_ENDED`; what a journal that cannot be written throws. */
  takeOver(known: readonly Epoch[], order?: TakeoverOrder): void {
    const { epoch: own } = this;
    const { plan, graceMs, host } = this.#around;
    if (own === undefined) throw new CallFailed('OPERATION_UNKNOWN', 'no such operation');
    if (!this.isActive && this.driving?.phase !== 'stuck')
      throw new CallFailed('OPERATION_ENDED', 'it has ended');
    const highest = [own, ...known].sort(compareEpochs).at(-1) ?? own;
    const epoch = { counter: highest.counter + 1, agent: host };
    this.coordinator = undefined;
    this.#append([
      { type: 'coordinating', at: this.#at(), epoch, ...(order === undefined ? {} : { order }) },
    ]);
    this.#coordinate(openTakeover(plan.decided, epoch, graceMs, order));
    this.#around.say(`takes over as ${epoch.counter}/${epoch.agent}`);
  }

  /** @throws {CallFailed} `OPERATION_UNKNOWN` when it is not driven here; `OPERATION_REFUSED`. */
  request({ kind, without }: Pick<OperatorRequest, 'kind' | 'without'>): void {
    const { coordinator } = this;
    if (coordinator === undefined) throw new CallFailed('OPERATION_UNKNOWN', 'it is not driven here');
    const { state } = coordinator;
    const refusal = refusalOf(state, { kind, without });
    if (refusal !== undefined) throw new CallFailed('OPERATION_REFUSED', refusal);
    const event = { type: 'requested', kind, without, by: 'operator' } as const;
    if (!isOver(state)) {
      coordinator.dispatch(event);
      return;
    }
    this.#coordinate(state).dispatch(event);
  }

  outcome(): KnownOutcome {
    const { participant, driving, epoch } = this;
    if (participant === undefined || epoch === undefined) return { known: false };
    const ballot = this.coordinator?.state.ballot;
    return {
      known: true,
      epoch,
      ...(driving === undefined ? {} : { drives: driving.phase }),
      ...participant.state.decided,
      ...(ballot?.decided === true ? { [ballot.slot]: ballot.decision } : {}),
    };
  }

  /** What a participant that nobody drives makes of what its peers know: see `askForOutcomes`. */
  look(outcomes: readonly KnownOutcome[], takeoverAfterMs: number): 'learnt' | 'took over' | undefined {
    const { participant } = this;
    if (participant === undefined || !this.isActive || this.isDriven) return undefined;
    const verdict = judgeOutcomes(outcomes);
    if (verdict === 'abort' || verdict === 'finish') {
      participant.dispatch({ type: 'learnt', goal: verdict });
      return 'learnt';
    }
    if (verdict === 'wait' || (verdict === 'lead' && !this.#isItsTurn(participant, takeoverAfterMs)))
      return undefined;
    this.takeOver(outcomes.flatMap(({ epoch }) => epoch ?? []));
    return 'took over';
  }

  #isItsTurn({ state }: SimulatedParticipant, takeoverAfterMs: number): boolean {
    const { plan, host } = this.#around;
    const hosts = plan.decided.hosts.map(({ agent }) => agent);
    return isTurnOf(host, hosts, { gone: state.epoch.agent, unheardMs: this.unheardMs, takeoverAfterMs });
  }

  #openFor({ epoch, goal, hasPlan }: Request): SimulatedParticipant {
    if (!hasPlan || (goal !== undefined && goal !== 'prepare'))
      throw new CallFailed('OPERATION_UNKNOWN', 'no such operation');
    return this.#open(epoch, goal === undefined ? 'late' : 'participant');
  }

  #open(epoch: Epoch, as: 'coordinator' | 'participant' | 'late'): SimulatedParticipant {
    const { plan, host, journalId, rules } = this.#around;
    const own = plan.decided.hosts.find(({ agent }) => agent === host);
    if (own?.journalId !== journalId && rules.checksJournalId)
      throw new CallFailed('PLAN_MISMATCH', 'the plan is of another journal');
    const at = this.#at();
    const { operation } = plan.decided;
    const entries: JournalEntry[] = [
      { type: 'opened', at, version: 1, operation, epoch, requestedBy: 'simulation', plan },
    ];
    if (as === 'coordinator') entries.push({ type: 'coordinating', at, epoch });
    const opening = as === 'late' ? openLateParticipant(epoch) : openParticipant(epoch);
    entries.push(...participantEntries(opening.effects, epoch, at));
    try {
      this.#append(entries);
    } catch (error) {
      if (error instanceof CallFailed) this.#around.discardJournal();
      throw error;
    }
    const participant = new SimulatedParticipant(this.#surroundings(), opening.state, new Set());
    this.participant = participant;
    this.#around.say(`opens the operation as ${as}`);
    participant.begin(opening);
    return participant;
  }

  #coordinate(state: CoordinatorState): SimulatedCoordinator {
    const coordinator = new SimulatedCoordinator(this.#surroundings(), state);
    this.coordinator = coordinator;
    return coordinator;
  }

  #append(entries: readonly JournalEntry[]): void {
    this.#around.append(entries);
  }

  #at(): string {
    return AT;
  }

  #surroundings() {
    return { ...this.#around, place: this.#place, at: () => AT };
  }
}

/** When things were written down decides nothing. */
const AT = '2026-11-23T15:00:00.000Z';
