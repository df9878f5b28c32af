import { EventEmitter, once } from 'node:events';
import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { PassPoint } from '../base/crash-point.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import type { Failure } from '../formats/identifiers.ts';
import type { Epoch, JournalEntry } from '../formats/restore-journal.ts';
import type { AdvanceRequest, ParticipantReport, PromiseRequest } from '../formats/restore-messages.ts';
import { compareEpochs } from './ballot.ts';
import { participantEntries } from './effect-entries.ts';
import type { FoldedJournal } from './fold-journal.ts';
import type { HookEntry, HookRecord } from './hook-record.ts';
import type { Journal } from './journal.ts';
import { ParticipantJournal } from './participant-journal.ts';
import {
  moveParticipant,
  type ParticipantEffect,
  type ParticipantEvent,
  type ParticipantMove,
  type ParticipantState,
} from './participant.ts';
import { isClosed, type WorkingPhase } from './phases.ts';
import { moveOf } from './serving-hosts.ts';
import type { HostContext } from './steps/host-context.ts';
import { completeStep, type OnStepBytes } from './steps/step.ts';
import { stepsOf } from './steps/steps-of-phase.ts';

interface RunnerOptions {
  readonly context: HostContext;
  readonly journal: Journal;
  readonly agent: string;
  readonly journalId: string;
  readonly pass: PassPoint;
  /** Told what is in the journal now. */
  readonly onAppended?: (entries: readonly JournalEntry[]) => void;
}

/** As it is recorded: etcd came up on the restored data, and clients may have written to it. */
const COME_UP = 'committing/start';
/** Between two tries to write the journal. */
const RETRY_MS = 500;

interface Work {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** Carries out one host's part: the machine decides, the journal remembers, the steps act. */
export class ParticipantRunner {
  readonly journal: ParticipantJournal;
  readonly #options: RunnerOptions;
  readonly #doneSteps: Set<string>;
  readonly #changed = new EventEmitter();
  #state: ParticipantState;
  #version: number;
  #step: Pick<ParticipantReport, 'step' | 'bytes' | 'totalBytes'> = {};
  #stopAskedAtMs: number | undefined;
  #work: Work | undefined;
  /** Events are handled one after the other: each sees what the one before it made durable. */
  readonly #events = new OneAtATime();
  /** How the last work ended, on its way through the machine. */
  #settling: Promise<void> = Promise.resolve();
  #closing = false;
  #heardAtMs: number;

  private constructor(options: RunnerOptions, state: ParticipantState, folded?: FoldedJournal) {
    this.#options = options;
    this.#state = state;
    this.#doneSteps = new Set(folded?.doneSteps);
    this.#stopAskedAtMs = folded?.stopAskedAtMs;
    const { journal, pass, onAppended, context } = options;
    const { clock, settings } = context;
    this.journal = new ParticipantJournal(
      {
        journal,
        clock,
        pass,
        hooks: settings.hooks ?? {},
        ...(onAppended === undefined ? {} : { onAppended }),
      },
      folded,
    );
    this.#version = clock.now();
    this.#heardAtMs = clock.now();
    this.#changed.setMaxListeners(0);
  }

  /** The journal already holds the plan, and what `opening` records. */
  static open(options: RunnerOptions, { state, effects }: ParticipantMove): ParticipantRunner {
    const runner = new ParticipantRunner(options, state);
    runner.#act(effects);
    return runner;
  }

  /** Nothing is done yet: the host waits for what its peers know. */
  static async resume(options: RunnerOptions, folded: FoldedJournal): Promise<ParticipantRunner> {
    const runner = new ParticipantRunner(options, folded.participant, folded);
    if (!isClosed(folded.participant.phase)) await runner.dispatch({ type: 'resumed' });
    return runner;
  }

  get state(): ParticipantState {
    return this.#state;
  }

  /** How long no coordinator has asked for anything, or since the start of the agent. */
  get unheardMs(): number {
    const now = this.#options.context.clock.now();
    // A clock that was set back must not make the host wait for as long again.
    this.#heardAtMs = Math.min(this.#heardAtMs, now);
    return now - this.#heardAtMs;
  }

  get context(): HostContext {
    return this.#options.context;
  }

  /** The commands of the configuration that ran here for the operation, or are due. */
  get hooks(): readonly HookRecord[] {
    return this.journal.hooks;
  }

  /** Why the operation does not go through, where its coordinator said so. */
  get cause(): Failure | undefined {
    return this.journal.cause;
  }

  async recordHook(entry: Omit<HookEntry, 'type' | 'at'>): Promise<void> {
    const at = new Date(this.context.clock.now()).toISOString();
    await this.append([{ type: 'hook', at, ...entry }]);
    this.#bump();
  }

  /** @throws {AgentError} `JOURNAL_UNWRITABLE` */
  async append(entries: readonly JournalEntry[]): Promise<void> {
    await this.journal.append(entries, () => this.#state.phase);
  }

  report(): ParticipantReport {
    const { phase, epoch, votes, decided, failure } = this.#state;
    const { agent, journalId, context } = this.#options;
    return {
      operation: context.plan.decided.operation,
      agent,
      journalId,
      version: this.#version,
      phase,
      epoch,
      votes: { ...votes },
      decided: { ...decided },
      ...this.#step,
      ...(this.journal.problem === undefined ? {} : { step: `waits: ${this.journal.problem}` }),
      ...(failure === undefined ? {} : { failure }),
      ...(this.#doneSteps.has(COME_UP) ? { served: true } : {}),
      ...(this.#stopAskedAtMs === undefined ? {} : { stopAskedAtMs: this.#stopAskedAtMs }),
      setAside: setAsidePaths(context, phase),
    };
  }

  /** Calls back after each change of the report. */
  onChange(listener: () => void): void {
    this.#changed.on('change', listener);
  }

  /** Answers when the report differs from the one the coordinator saw, or after its wait. */
  async advance(request: AdvanceRequest, signal: AbortSignal): Promise<ParticipantReport> {
    this.#requireCurrent(request);
    if (request.cause !== undefined) this.journal.hear(request.cause);
    await this.dispatch({ type: 'advance', goal: request.goal, epoch: request.epoch });
    if (this.#version === request.seenVersion) await this.#nextChange(request.waitMs, signal);
    return this.report();
  }

  /** Follows a new coordinator. Answers when what runs here has ended, and the promise is synced. */
  async promise(request: PromiseRequest): Promise<ParticipantReport> {
    this.#requireCurrent(request);
    await this.dispatch({ type: 'promise', epoch: request.epoch });
    return this.report();
  }

  /** @throws {AgentError} `OPERATION_STALE_EPOCH` for a coordinator that this host follows no longer. */
  requireEpoch(epoch: Epoch): void {
    const { epoch: followed } = this.#state;
    if (compareEpochs(epoch, followed) >= 0) return;
    throw new AgentError('OPERATION_STALE_EPOCH', `a newer coordinator, ${followed.agent}, drives it`);
  }

  #requireCurrent({ operation, planHash, epoch }: PromiseRequest | AdvanceRequest): void {
    if (planHash !== this.context.plan.hash) {
      throw new AgentError('PLAN_MISMATCH', `${operation} has another plan here`);
    }
    this.requireEpoch(epoch);
    this.#heardAtMs = this.#options.context.clock.now();
  }

  async dispatch(event: ParticipantEvent): Promise<void> {
    await this.#events.run(() => this.#handle(event));
  }

  /** Ends the running step and closes the journal. What was begun is resumed by the next start of the agent. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#work?.controller.abort(new AgentError('CANCELLED', 'the agent stops'));
    await this.#work?.ended;
    await this.#settling;
    await this.#events.idle();
    await this.journal.close();
  }

  async #handle(event: ParticipantEvent): Promise<void> {
    const move = moveParticipant(this.#state, event);
    // A promise is made only when nothing runs any more that an older coordinator asked for.
    const [first] = move.effects;
    if (first?.type === 'interrupt') await this.#interrupt();
    const at = new Date(this.#options.context.clock.now()).toISOString();
    const entries = participantEntries(move.effects, move.state.epoch, at);
    if (entries.length > 0) await this.append(entries);
    const visible = move.effects.length > 0 || move.state.phase !== this.#state.phase;
    this.#state = move.state;
    if (visible) this.#bump();
    if (move.effects.some((effect) => effect.type === 'interrupt')) await this.#interrupt();
    this.#act(move.effects);
  }

  async #interrupt(): Promise<void> {
    this.#work?.controller.abort(new AgentError('CANCELLED', 'the operation goes another way'));
    await this.#work?.ended;
  }

  #act(effects: readonly ParticipantEffect[]): void {
    for (const effect of effects) {
      if (effect.type !== 'work') continue;
      const controller = new AbortController();
      const ended = this.#runPhase(effect.phase, controller.signal);
      this.#work = { controller, ended };
    }
  }

  /** Never rejects: how it ended goes through the machine. */
  async #runPhase(phase: WorkingPhase, signal: AbortSignal): Promise<void> {
    let event: ParticipantEvent = { type: 'work-done', phase };
    try {
      for (const step of stepsOf(phase, this.context)) {
        if (step.askAgain !== true && this.#doneSteps.has(`${phase}/${step.name}`)) continue;
        this.#progress({ step: step.name });
        await completeStep(step, this.#recordStep(phase), signal, this.#onBytes(step.name));
      }
    } catch (error) {
      const { code, message } = asAgentError(error, 'RESTORE_STEP_FAILED');
      event = { type: 'work-failed', phase, failure: { code, message } };
    }
    // What was interrupted has no outcome of its own: the phase that interrupted it speaks, or the next start.
    if (signal.aborted || this.#closing) return;
    this.#step = {};
    this.#settling = this.#settle(event, signal);
  }

  /** Nobody repeats how work ended. What an unwritable journal holds is unknown, so the same is written until it is there. */
  async #settle(event: ParticipantEvent, signal: AbortSignal): Promise<void> {
    for (let isFirst = true; !signal.aborted && !this.#closing; isFirst = false) {
      try {
        await this.dispatch(event);
        return;
      } catch (error) {
        if (isFirst) this.context.log.error({ err: error }, 'the operation waits for its journal');
        await this.context.clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  #recordStep(phase: WorkingPhase) {
    return async (step: string, outcome: 'started' | 'done' | 'failed', reason?: string): Promise<void> => {
      const now = this.context.clock.now();
      if (step === 'stop' && outcome === 'started') this.#stopAskedAtMs ??= now;
      if (outcome === 'done') this.#doneSteps.add(`${phase}/${step}`);
      const entry: JournalEntry = { type: 'step', at: new Date(now).toISOString(), step, outcome };
      await this.append([reason === undefined ? entry : { ...entry, reason }]);
      this.context.log.info({ step, outcome, phase, reason }, 'restore step');
    };
  }

  #onBytes(step: string): OnStepBytes {
    let nextReportMs = 0;
    return (bytes, totalBytes) => {
      const now = this.context.clock.now();
      if (now < nextReportMs) return;
      nextReportMs = now + 250;
      this.#progress({ step, bytes, totalBytes });
    };
  }

  #progress(step: Pick<ParticipantReport, 'step' | 'bytes' | 'totalBytes'>): void {
    this.#step = step;
    this.#bump();
  }

  #bump(): void {
    this.#version += 1;
    this.#changed.emit('change');
  }

  async #nextChange(waitMs: number, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
    await once(this.#changed, 'change', { signal: either }).catch(() => undefined);
  }
}

/** What an operation keeps of the data that it took out of service, by the phase that the host is in. */
function setAsidePaths({ layout, host }: HostContext, phase: ParticipantReport['phase']): string[] {
  const wal = layout.wal;
  const move = moveOf(host);
  if (move === 'keep') return [];
  if (['rolled-back', 'rolling-back'].includes(phase)) {
    if (move === 'vacate') return [];
    return [layout.withdrawnMember, ...(wal === undefined ? [] : [wal.withdrawn])];
  }
  if (host.found === 'absent' || !['started', 'finishing', 'finished'].includes(phase)) return [];
  return [layout.setAsideMember, ...(wal === undefined ? [] : [wal.setAside])];
}
