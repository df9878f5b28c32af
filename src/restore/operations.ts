import { AgentError, asAgentError } from '../base/agent-error.ts';
import { passNothing } from '../base/crash-point.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { Epoch, JournalEntry, TakeoverOrder } from '../formats/restore-journal.ts';
import type {
  AdvanceRequest,
  KnownOutcome,
  OperatorRequest,
  ParticipantReport,
  PromiseRequest,
} from '../formats/restore-messages.ts';
import type { OperationPlan } from '../formats/restore-plan.ts';
import { compareEpochs } from './ballot.ts';
import { requireSound, requireSpeaker } from './check-request.ts';
import { CoordinatorRunner } from './coordinator-runner.ts';
import { isOver, openCoordinator, openTakeover, type CoordinatorState } from './coordinator-state.ts';
import { participantEntries } from './effect-entries.ts';
import type { FoldedJournal } from './fold-journal.ts';
import { HookRuns } from './hook-runs.ts';
import { Journal } from './journal.ts';
import { KnownOperations } from './known-operations.ts';
import { refusalOf } from './judge-request.ts';
import { LocalOperation } from './local-operation.ts';
import { OperationAudits } from './operation-audits.ts';
import { contextOf, endedContextOf } from './operation-context.ts';
import type { OperationsOptions } from './operations-options.ts';
import { openLateParticipant, openParticipant } from './participant.ts';
import { ParticipantRunner } from './participant-runner.ts';
import { placeInLine, type LinePlace } from './place-in-line.ts';
import { isClosed, isEnded } from './phases.ts';
import { recheckGuards } from './recheck-guards.ts';
import type { HostContext } from './steps/host-context.ts';
import { settleEnded } from './settle-ended.ts';
import { journalPath, readStoredOperations } from './stored-operations.ts';
import { UnreadableOperation } from './unreadable-operation.ts';

interface Takeover {
  /** Epochs that other hosts know of. */
  readonly known: readonly Epoch[];
  readonly requestedBy: string;
  readonly order?: TakeoverOrder;
}

interface Opening {
  readonly plan: OperationPlan;
  readonly epoch: Epoch;
  readonly requestedBy: string;
  /** `late`: another host took the operation over, and this one never heard of it before. */
  readonly as: 'coordinator' | 'participant' | 'late';
}

/** All operations that this host ever took part in. At most one is active: it binds the host. */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #known: KnownOperations;
  readonly #listeners = new Set<(operation: LocalOperation) => void>();
  /** What throws here keeps this host out of every operation that it does not take part in yet. */
  readonly guards: (() => void)[] = [];
  /** Openings run one after the other, so that two coordinators cannot both find the host free. */
  readonly #opening = new OneAtATime();
  readonly #hooks: HookRuns;
  readonly #audits: OperationAudits;
  /** Tidying after operations that ended. */
  #settling: Promise<unknown> = Promise.resolve();

  private constructor(options: OperationsOptions) {
    this.#options = options;
    this.#known = new KnownOperations(options.host.agent);
    this.#hooks = new HookRuns(options);
    this.#audits = new OperationAudits(options.audit);
  }

  /**
   * Reads every journal back. Nothing is done yet: see `resume`. A journal that cannot be read, or that is of
   * another host than this one is now, keeps the host bound: `restore status` shows it as stuck.
   */
  static async open(options: OperationsOptions): Promise<Operations> {
    const operations = new Operations(options);
    const found = await readStoredOperations(options.stateDir, options.settings.peerGraceMs);
    await operations.#audits.catchUp(found.map((stored) => ('entries' in stored ? stored.entries : [])));
    for (const stored of found) {
      if (stored instanceof UnreadableOperation) operations.#keepUnreadable(stored);
      else await operations.#restore(stored.journal, stored.folded);
    }
    await settleEnded(operations.#known, options.stateDir);
    return operations;
  }

  get active(): LocalOperation | undefined {
    return this.#known.active;
  }

  get boundBy(): string | undefined {
    return this.#known.boundBy;
  }

  views(): OperationView[] {
    return this.#known.views();
  }

  /** @throws {AgentError} as `KnownOperations.get`. */
  get(id: string | undefined): LocalOperation {
    return this.#known.get(id);
  }

  /** Calls back after each change of any operation. @returns What ends that. */
  onChange(listener: (operation: LocalOperation) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Goes on driving what this host coordinated when it went down. Call when peers can be reached. */
  async resume(): Promise<void> {
    for (const operation of this.#known.all()) {
      await operation.coordinator?.start(true);
      this.#hooks.startIfDue(operation);
    }
  }

  /** Starts a confirmed plan with this host as its coordinator. Returns when the plan is durable here. */
  async run(plan: OperationPlan, requestedBy: string): Promise<LocalOperation> {
    const epoch: Epoch = { counter: 1, agent: this.#options.host.agent };
    const operation = await this.#open({ plan, epoch, requestedBy, as: 'coordinator' });
    const { peerGraceMs } = this.#options.settings;
    this.#coordinate(operation, openCoordinator(plan.decided, epoch, peerGraceMs), requestedBy);
    await operation.coordinator?.start(false);
    this.#changed(operation);
    return operation;
  }

  /** A coordinator's request; `peer` is who really asks. */
  async advance(peer: string, request: AdvanceRequest, signal: AbortSignal): Promise<ParticipantReport> {
    requireSpeaker(peer, request.epoch);
    this.#known.requireReadable(request.operation);
    const operation = this.#known.find(request.operation) ?? (await this.#openFor(request));
    const report = await operation.advance(request, signal);
    this.#changed(operation);
    return report;
  }

  /** A new coordinator's request. What this host drove itself has ended when it is answered. */
  async promise(peer: string, request: PromiseRequest): Promise<ParticipantReport> {
    requireSpeaker(peer, request.epoch);
    this.#known.requireReadable(request.operation);
    const operation = this.#known.find(request.operation) ?? (await this.#openLate(request));
    const driving = operation.coordinator?.state.epoch;
    if (driving !== undefined && compareEpochs(driving, request.epoch) < 0) await operation.stepDown();
    const report = await operation.participant.promise(request);
    this.#changed(operation);
    return report;
  }

  /**
   * Makes this host the coordinator of an operation that another one drove, or that is stuck: under a higher epoch than any
   * in `known`. Returns when that is durable here; the hosts are asked to follow from then on.
   *
   * @throws {AgentError} `OPERATION_ENDED` when nothing is left to drive.
   */
  async takeOver(operation: LocalOperation, { known, requestedBy, order }: Takeover): Promise<void> {
    if (operation.isSettled) {
      const { phase } = operation.view();
      throw new AgentError('OPERATION_ENDED', `${operation.id} is ${phase} on ${this.#options.host.agent}`);
    }
    const highest = [operation.epoch, ...known].sort(compareEpochs).at(-1) ?? operation.epoch;
    const epoch = { counter: highest.counter + 1, agent: this.#options.host.agent };
    await operation.stepDown();
    const entry = { type: 'coordinating', at: this.#now(), epoch, requestedBy } as const;
    await operation.append([order === undefined ? entry : { ...entry, order }]);
    const { peerGraceMs } = this.#options.settings;
    const state = openTakeover(operation.plan.decided, epoch, peerGraceMs, order);
    this.#coordinate(operation, state, requestedBy);
    operation.reopen();
    await operation.coordinator?.start(false);
    this.#changed(operation);
  }

  /**
   * What an operator asks of the coordinator that runs here.
   *
   * @throws {AgentError} `OPERATION_UNKNOWN` when it does not run here; `OPERATION_REFUSED` with the reason.
   */
  async request({ operation: id, kind, without, requestedBy }: OperatorRequest): Promise<void> {
    const operation = this.get(id);
    const { coordinator } = operation;
    if (coordinator === undefined)
      throw new AgentError('OPERATION_UNKNOWN', `${operation.id} is not coordinated by this host`);
    const { state } = coordinator;
    const refusal = refusalOf(state, { kind, without });
    if (refusal !== undefined) throw new AgentError('OPERATION_REFUSED', `${operation.id}: ${refusal}`);
    this.#audits.tellRequest({ operation: operation.id, kind, without, requestedBy });
    const event = { type: 'requested', kind, without, by: requestedBy } as const;
    if (!isOver(state)) {
      await coordinator.dispatch(event);
      return;
    }
    // One that was stuck has stopped driving.
    await operation.stepDown();
    this.#coordinate(operation, state, requestedBy);
    operation.reopen();
    await operation.coordinator?.dispatch(event);
    await operation.coordinator?.start(false);
    this.#changed(operation);
  }

  /** What was decided, for a participant that missed it, and who drives it, for one that would take over. */
  outcomeOf(id: string): KnownOutcome {
    return this.#known.find(id)?.outcome() ?? { known: false };
  }

  /** The end of an operation that this host missed, as a peer knows it. */
  async learn(operation: LocalOperation, goal: 'abort' | 'finish'): Promise<void> {
    await operation.participant.dispatch({ type: 'learnt', goal });
    this.#changed(operation);
  }

  async close(): Promise<void> {
    await this.#opening.idle();
    await this.#settling;
    await this.#hooks.close();
    await Promise.all(this.#known.all().map((operation) => operation.close()));
  }

  async #openFor(request: AdvanceRequest): Promise<LocalOperation> {
    const { plan, goal, epoch, requestedBy } = request;
    if (plan === undefined || goal !== 'prepare') {
      const { agent } = this.#options.host;
      throw new AgentError('OPERATION_UNKNOWN', `${agent} has no operation ${request.operation}`);
    }
    requireSound(plan, request);
    return await this.#open({ plan, epoch, requestedBy, as: 'participant' });
  }

  async #openLate(request: PromiseRequest): Promise<LocalOperation> {
    const { plan, epoch, requestedBy } = request;
    requireSound(plan, request);
    return await this.#open({ plan, epoch, requestedBy, as: 'late' });
  }

  async #open(opening: Opening): Promise<LocalOperation> {
    return await this.#opening.run(() => this.#openAlone(opening));
  }

  async #openAlone({ plan, epoch, requestedBy, as }: Opening): Promise<LocalOperation> {
    const { operation: id } = plan.decided;
    const known = this.#known.find(id);
    if (known !== undefined) return known;
    const { active } = this;
    if (active !== undefined) {
      throw new AgentError(
        'OPERATION_IN_PROGRESS',
        `${this.#options.host.agent} takes part in operation ${active.id}`,
      );
    }
    this.#known.requireReadable();
    for (const guard of this.guards) guard();
    const at = this.#now();
    const context = contextOf(this.#options, plan);
    const entries: JournalEntry[] = [
      { type: 'opened', at, version: 1, operation: id, epoch, requestedBy, plan },
    ];
    if (as === 'coordinator') entries.push({ type: 'coordinating', at, epoch });
    const opening = as === 'late' ? openLateParticipant(epoch) : openParticipant(epoch);
    entries.push(...participantEntries(opening.effects, epoch, at));
    const { pass = passNothing } = this.#options;
    pass('before opened');
    const journal = await Journal.create(journalPath(this.#options.stateDir, id), entries);
    pass('after opened');
    const runner = ParticipantRunner.open(this.#runnerOptions(context, journal, entries), opening);
    return this.#keep(new LocalOperation({ plan, openedAt: at }, runner, this.#placeOf));
  }

  async #restore(journal: Journal, folded: FoldedJournal): Promise<void> {
    const { plan, participant, coordinator } = folded;
    const ended = isClosed(participant.phase) && (coordinator === undefined || isEnded(coordinator.phase));
    let context: HostContext | undefined;
    try {
      context = ended ? endedContextOf(this.#options, plan) : contextOf(this.#options, plan);
    } catch (error) {
      const opening = { at: folded.openedAt, plan };
      await journal.close();
      this.#keepUnreadable(
        new UnreadableOperation(plan.decided.operation, journal.path, asAgentError(error), opening),
      );
      return;
    }
    if (context === undefined) {
      this.#options.log.warn({ path: journal.path }, 'the journal of another host is passed over');
      await journal.close();
      return;
    }
    const runner = await ParticipantRunner.resume(this.#runnerOptions(context, journal), folded);
    const operation = this.#keep(new LocalOperation(folded, runner, this.#placeOf));
    if (coordinator !== undefined) this.#coordinate(operation, coordinator, folded.requestedBy);
  }

  #keepUnreadable(operation: UnreadableOperation): void {
    this.#known.addUnreadable(operation);
    const { id, error } = operation;
    this.#options.log.error({ operation: id, err: error }, 'a restore cannot be read back; the hold stays');
  }

  #keep(operation: LocalOperation): LocalOperation {
    this.#known.add(operation);
    operation.participant.onChange(() => {
      this.#changed(operation);
    });
    return operation;
  }

  #coordinate(operation: LocalOperation, state: CoordinatorState, requestedBy: string): void {
    const { call, clock, log, settings } = this.#options;
    operation.coordinateBy(
      new CoordinatorRunner(
        {
          plan: operation.plan,
          requestedBy,
          call,
          append: (entries) => operation.append(entries),
          checkGuards: (stage, signal) => recheckGuards(call, operation.plan, stage, signal),
          gateTimeoutMs: settings.gateTimeoutMs,
          clock,
          log,
          onChange: () => {
            this.#changed(operation);
          },
        },
        state,
      ),
    );
  }

  readonly #placeOf = (operation: string): LinePlace =>
    placeInLine(operation, this.#options.lineage.record.generations);

  #runnerOptions(context: HostContext, journal: Journal, first: readonly JournalEntry[] = []) {
    const { host, pass = passNothing } = this.#options;
    const onAppended = this.#audits.listener(context.plan.decided.operation);
    onAppended(first);
    return { ...host, context, journal, pass, onAppended };
  }

  #changed(operation: LocalOperation): void {
    operation.noteEnd(this.#now());
    if (operation.noteSettled()) {
      this.#settling = this.#settling
        .then(() => settleEnded(this.#known, this.#options.stateDir))
        .catch((error: unknown) => {
          this.#options.log.error({ err: error }, 'journals of ended operations could not be tidied');
        });
    }
    this.#hooks.startIfDue(operation);
    for (const listener of this.#listeners) listener(operation);
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}
