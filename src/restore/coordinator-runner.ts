import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import type { JournalEntry } from '../formats/restore-journal.ts';
import {
  participantReport,
  type AdvanceRequest,
  type ParticipantReport,
  type PromiseRequest,
} from '../formats/restore-messages.ts';
import type { OperationPlan } from '../formats/restore-plan.ts';
import type { Log } from '../observe/log.ts';
import type { CallHost } from './call-host.ts';
import { moveCoordinator } from './coordinator.ts';
import {
  follows,
  goalFor,
  isOver,
  servedHosts,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  type GuardStage,
} from './coordinator-state.ts';
import { coordinatorEntries } from './effect-entries.ts';
import { GateRun } from './gate-run.ts';

interface CoordinatorOptions {
  readonly plan: OperationPlan;
  readonly requestedBy: string;
  readonly call: CallHost;
  /** Appends to this host's journal of the operation and syncs it. */
  readonly append: (entries: readonly JournalEntry[]) => Promise<void>;
  /** Looks at guards, host set and loss again. Throws when worse than confirmed. */
  readonly checkGuards: (stage: GuardStage, signal: AbortSignal) => Promise<void>;
  readonly gateTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
}

/** How long a participant may keep an answer back while nothing changes there. */
const LONG_POLL_MS = 2000;
/** How long an answer may take beyond that. */
const ANSWER_MS = 10_000;
/** Between two tries at a host that does not answer, and between two looks at the clock. */
const RETRY_MS = 300;

/** Drives one operation: keeps every host informed of its goal, and lets the machine decide on what they report. */
export class CoordinatorRunner {
  readonly #options: CoordinatorOptions;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  /** Ends the long polls when the goal changes, so that no host waits for the end of one. */
  #goalChange = new AbortController();
  #gateChange = new AbortController();
  #state: CoordinatorState;
  readonly #events = new OneAtATime();
  #gate: GateRun | undefined;
  #movedAtMs: number;

  constructor(options: CoordinatorOptions, state: CoordinatorState) {
    this.#options = options;
    this.#state = state;
    this.#movedAtMs = options.clock.now();
  }

  get state(): CoordinatorState {
    return this.#state;
  }

  /** How long no host has got any further, and nothing was decided. */
  get stillMs(): number {
    const now = this.#options.clock.now();
    // A clock that was set back must not make anybody wait for as long again.
    this.#movedAtMs = Math.min(this.#movedAtMs, now);
    return now - this.#movedAtMs;
  }

  /** What the acceptance gate waits for or found. */
  get gate(): GateRun | undefined {
    return this.#gate;
  }

  /** @param resumed - The state was read back from the journal after a restart. */
  async start(resumed: boolean): Promise<void> {
    if (isOver(this.#state)) return;
    if (resumed) await this.dispatch({ type: 'resumed' });
    for (const agent of this.#state.hosts) this.#keep(this.#drive(agent));
    this.#keep(this.#watchTime());
  }

  async dispatch(event: CoordinatorEvent): Promise<void> {
    await this.#events.run(() => this.#handle(event));
  }

  /** Lets go; the operation stays as it is and is resumed by the next start of this agent. */
  async close(): Promise<void> {
    this.#stop.abort(new AgentError('CANCELLED', 'the agent stops'));
    await Promise.all(this.#loops);
    await this.#events.idle();
  }

  /** Until `close`. What fails here is a defect: it is said, and the operation stays where it is. */
  #keep(loop: Promise<void>): void {
    this.#loops.push(
      loop.catch((error: unknown) => {
        if (!this.#isStopped()) this.#options.log.error({ err: error }, 'the coordinator could not go on');
      }),
    );
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #handle(event: CoordinatorEvent): Promise<void> {
    const before = this.#state;
    const { state, effects } = moveCoordinator(before, event);
    const at = new Date(this.#options.clock.now()).toISOString();
    const entries = coordinatorEntries(effects, state.epoch, at);
    if (entries.length > 0) await this.#options.append(entries);
    if (entries.length > 0 || isNews(before, event)) this.#movedAtMs = this.#options.clock.now();
    this.#state = state;
    if (state.hosts.some((agent) => goalFor(before, agent) !== goalFor(state, agent))) {
      this.#goalChange.abort();
      this.#goalChange = new AbortController();
    }
    if (state.phase !== before.phase) {
      const { operation } = this.#options.plan.decided;
      this.#options.log.info({ operation, phase: state.phase, failure: state.failure }, 'restore phase');
    }
    this.#options.onChange();
    for (const effect of effects) this.#act(effect);
    if (isOver(state)) this.#stop.abort();
  }

  async #drive(agent: string): Promise<void> {
    let seen: ParticipantReport | undefined;
    while (!this.#isStopped()) {
      const goal = goalFor(this.#state, agent);
      if (goal === undefined) return;
      const goalChange = this.#goalChange.signal;
      try {
        seen =
          follows(this.#state, agent) || this.#isFirst()
            ? await this.#advance(agent, goal, seen)
            : await this.#askPromise(agent);
        await this.#report({ type: 'report', report: seen });
      } catch (error) {
        // A poll that ended because the goal changed says nothing about the host.
        if (!this.#isStopped() && !goalChange.aborted) await this.#explainSilence(agent, error);
      }
    }
  }

  /** The coordinator that opens the operation is followed by whoever prepares for it. */
  #isFirst(): boolean {
    return this.#state.epoch.counter === 1;
  }

  async #advance(
    agent: string,
    goal: AdvanceRequest['goal'],
    seen: ParticipantReport | undefined,
  ): Promise<ParticipantReport> {
    const { plan, requestedBy } = this.#options;
    const request: AdvanceRequest = {
      requestedBy,
      operation: plan.decided.operation,
      epoch: this.#state.epoch,
      planHash: plan.hash,
      ...(seen === undefined ? { plan } : {}),
      goal,
      ...(this.#state.failure === undefined ? {} : { cause: this.#state.failure }),
      seenVersion: seen?.version ?? 0,
      waitMs: LONG_POLL_MS,
    };
    return await this.#ask(agent, 'restore.advance', request, LONG_POLL_MS + ANSWER_MS);
  }

  /** A host answers when what runs there has ended, which takes as long as it takes: it is asked again. */
  async #askPromise(agent: string): Promise<ParticipantReport> {
    const { plan, requestedBy } = this.#options;
    const { epoch } = this.#state;
    const request: PromiseRequest = {
      requestedBy,
      operation: plan.decided.operation,
      epoch,
      planHash: plan.hash,
      plan,
    };
    return await this.#ask(agent, 'restore.promise', request, ANSWER_MS);
  }

  async #ask(agent: string, method: string, request: unknown, timeoutMs: number): Promise<ParticipantReport> {
    const signal = AbortSignal.any([this.#stop.signal, this.#goalChange.signal]);
    const report = participantReport.parse(
      await this.#options.call(agent, method, request, { timeoutMs, signal }),
    );
    if (report.agent === agent) return report;
    throw new AgentError('RESTORE_STEP_FAILED', `${report.agent} answers for ${agent}`);
  }

  /** A host that cannot be asked is silent; one that answers "no" will not take part. */
  async #explainSilence(agent: string, error: unknown): Promise<void> {
    const failure = asAgentError(error, 'RESTORE_STEP_FAILED');
    const noAnswer = failure.retryable && failure.code !== 'OPERATION_IN_PROGRESS';
    const opened = this.#state.reports[agent] !== undefined;
    const event: CoordinatorEvent =
      failure.code === 'OPERATION_STALE_EPOCH'
        ? { type: 'deposed', by: `${agent}: ${failure.message}` }
        : noAnswer || opened
          ? { type: 'silent', agent, atMs: this.#options.clock.now() }
          : { type: 'refused', agent, failure: { code: failure.code, message: failure.message } };
    await this.#report(event);
    await this.#pause();
  }

  /** Between two tries; ends early when the driving does. */
  async #pause(): Promise<void> {
    await this.#options.clock.sleep(RETRY_MS, this.#stop.signal).catch(() => undefined);
  }

  async #watchTime(): Promise<void> {
    while (!this.#isStopped()) {
      await this.#pause();
      if (this.#isStopped()) return;
      await this.#report({ type: 'tick', atMs: this.#options.clock.now() });
    }
  }

  #act(effect: CoordinatorEffect): void {
    if (effect.type === 'check-guards') this.#keep(this.#checkGuards(effect.stage));
    else if (effect.type === 'run-gate') this.#keep(this.#runGate());
    else if (effect.type === 'check-writes') this.#keep(this.#checkWrites());
  }

  async #checkGuards(stage: GuardStage): Promise<void> {
    try {
      await this.#options.checkGuards(stage, this.#stop.signal);
      await this.#report({ type: 'guard-passed', stage });
    } catch (error) {
      const { code, message } = asAgentError(error);
      await this.#report({ type: 'guard-failed', failure: { code, message } });
    }
  }

  async #runGate(): Promise<void> {
    const gate = this.#newGate();
    this.#gate = gate;
    // The run before waits for hosts that the operator gave up since.
    this.#gateChange.abort();
    this.#gateChange = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, this.#gateChange.signal]);
    try {
      const failure = await gate.run(signal);
      if (signal.aborted) return;
      await this.#report(failure === undefined ? { type: 'gate-passed' } : { type: 'gate-failed', failure });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #newGate(): GateRun {
    const { plan, call, gateTimeoutMs, clock, onChange } = this.#options;
    const { epoch, without } = this.#state;
    return new GateRun({
      plan: plan.decided,
      epoch,
      without,
      call,
      timeoutMs: gateTimeoutMs,
      clock,
      onChange,
    });
  }

  async #checkWrites(): Promise<void> {
    this.#gate ??= this.#newGate();
    const clientsWrote = await this.#gate.clientsWrote(() => servedHosts(this.#state), this.#stop.signal);
    await this.#report({ type: 'writes-checked', clientsWrote });
  }

  /**
   * For events that nobody repeats. What a journal that could not be written holds is unknown: the same is written again, as long
   * as it takes, and nothing else is done meanwhile.
   */
  async #report(event: CoordinatorEvent): Promise<void> {
    for (let isFirst = true; !this.#isStopped(); isFirst = false) {
      try {
        await this.dispatch(event);
        return;
      } catch (error) {
        if (isFirst) this.#options.log.error({ err: error }, 'the coordinator waits for its journal');
        await this.#pause();
      }
    }
  }
}

/** Whether a host says something else than it said before. */
function isNews({ reports }: CoordinatorState, event: CoordinatorEvent): boolean {
  return event.type === 'report' && reports[event.report.agent]?.version !== event.report.version;
}
