import type { JournalEntry } from '../../src/formats/restore-journal.ts';
import type { ParticipantReport } from '../../src/formats/restore-messages.ts';
import {
  follows,
  goalFor,
  isOver,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
} from '../../src/restore/coordinator-state.ts';
import { coordinatorEntries } from '../../src/restore/effect-entries.ts';
import { CallFailed } from './accidents.ts';
import type { Answer, Request } from './messages.ts';
import type { Rules } from './rules.ts';

export interface CoordinatorSurroundings {
  readonly host: string;
  readonly rules: Rules;
  readonly append: (entries: readonly JournalEntry[]) => void;
  readonly say: (words: string) => void;
  readonly at: () => string;
  readonly nowMs: () => number;
  readonly nextId: () => number;
  readonly post: (request: Request) => void;
}

type Task = Extract<CoordinatorEffect, { type: 'check-guards' | 'run-gate' | 'check-writes' }>;

/** Drives the operation: the real machine, with the order of things of `CoordinatorRunner`. */
export class SimulatedCoordinator {
  readonly #around: CoordinatorSurroundings;
  #state: CoordinatorState;
  /** What it asked of its surroundings and has no answer to yet. */
  tasks: Task[] = [];
  /** Since when the gate could ask every host. */
  gateReachableSinceMs: number | undefined;
  /** The request to each host whose answer is waited for: later answers to earlier ones are not looked at. */
  readonly #outstanding = new Map<string, number>();
  readonly #answered = new Set<string>();
  /** What the journal could not take yet: it is written again, and nothing else is done by whoever waits for it. */
  #unwritten: CoordinatorEvent[] = [];

  constructor(around: CoordinatorSurroundings, state: CoordinatorState) {
    this.#around = around;
    this.#state = state;
  }

  get state(): CoordinatorState {
    return this.#state;
  }

  get isStopped(): boolean {
    return isOver(this.#state);
  }

  get waitsForJournal(): boolean {
    return this.#unwritten.length > 0;
  }

  start(resumed: boolean): void {
    if (resumed && !isOver(this.#state)) this.report({ type: 'resumed' });
  }

  dispatch(event: CoordinatorEvent): void {
    const { rules, append, at } = this.#around;
    const before = this.#state;
    const { state, effects } = rules.moveCoordinator(before, event);
    const entries = coordinatorEntries(effects, state.epoch, at());
    if (entries.length > 0) this.#write(entries, append);
    this.#state = state;
    if (state.hosts.some((agent) => goalFor(before, agent) !== goalFor(state, agent)))
      this.#outstanding.clear();
    this.#note(before);
    for (const effect of effects) {
      if (effect.type === 'run-gate') this.#restartGate(effect);
      else if (effect.type === 'check-guards' || effect.type === 'check-writes') this.tasks.push(effect);
    }
  }

  /** For events that nobody repeats: what could not be written down is tried again. */
  report(event: CoordinatorEvent): void {
    if (this.isStopped) return;
    try {
      this.dispatch(event);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      this.#unwritten.push(event);
    }
  }

  /** As the loop for each host: one request at a time. */
  send(to: string): void {
    const { post, nextId, host } = this.#around;
    const goal = goalFor(this.#state, to);
    if (this.isStopped || goal === undefined || this.#outstanding.has(to)) return;
    const id = nextId();
    this.#outstanding.set(to, id);
    const { epoch } = this.#state;
    const asksGoal = follows(this.#state, to) || epoch.counter === 1;
    const hasPlan = !asksGoal || !this.#answered.has(to);
    post({ type: 'request', id, from: host, to, epoch, hasPlan, ...(asksGoal ? { goal } : {}) });
  }

  hear({ id, from, answer }: Answer): void {
    if (this.#outstanding.get(from) !== id) return;
    this.#outstanding.delete(from);
    if (this.isStopped) return;
    if (typeof answer === 'string') this.#explain(from, answer);
    else this.#take(from, answer);
  }

  /** No answer came in time. */
  giveUpWaiting(agent: string): void {
    if (this.#outstanding.delete(agent) && !this.isStopped) this.#explain(agent, 'PEER_TIMEOUT');
  }

  tick(): void {
    const again = this.#unwritten;
    this.#unwritten = [];
    for (const event of again) this.report(event);
    this.report({ type: 'tick', atMs: this.#around.nowMs() });
  }

  #take(agent: string, report: ParticipantReport): void {
    this.#answered.add(agent);
    this.report({ type: 'report', report });
  }

  /** A host that cannot be asked is silent; one that answers "no" will not take part. */
  #explain(agent: string, code: string): void {
    const opened = this.#state.reports[agent] !== undefined;
    const noAnswer = code === 'PEER_TIMEOUT' || code === 'JOURNAL_UNWRITABLE';
    this.report(
      code === 'OPERATION_STALE_EPOCH'
        ? { type: 'deposed', by: agent }
        : noAnswer || opened
          ? { type: 'silent', agent, atMs: this.#around.nowMs() }
          : { type: 'refused', agent, failure: { code, message: code } },
    );
  }

  #write(entries: readonly JournalEntry[], append: (entries: readonly JournalEntry[]) => void): void {
    try {
      append(entries);
    } catch (error) {
      const decides = entries.some(({ type }) => type === 'proposed' || type === 'decided');
      if (error instanceof CallFailed && decides && !this.#around.rules.waitsAfterFailedWrite) {
        // A planted fault: what could not be written down is taken for not decided.
        const ballot = { slot: 'first', decision: 'abort', decided: true } as const;
        this.#state = { ...this.#state, phase: 'aborting', ballot };
        this.#outstanding.clear();
      }
      throw error;
    }
  }

  #restartGate(effect: Task): void {
    this.tasks = [...this.tasks.filter(({ type }) => type !== 'run-gate'), effect];
    this.gateReachableSinceMs = undefined;
  }

  #note(before: CoordinatorState): void {
    const { phase, epoch, ballot, deposedBy, failure } = this.#state;
    const as = `as ${epoch.counter}/${epoch.agent}`;
    if (
      ballot !== undefined &&
      (ballot.decision !== before.ballot?.decision || ballot.decided !== before.ballot.decided)
    )
      this.#around.say(`${as}: ${ballot.decision} is ${ballot.decided ? 'decided' : 'proposed'}`);
    if (phase !== before.phase)
      this.#around.say(
        `${as}: the operation is ${phase}${failure === undefined ? '' : ` (${failure.message})`}`,
      );
    if (deposedBy !== undefined && before.deposedBy === undefined)
      this.#around.say(`${as}: deposed by ${deposedBy}`);
  }
}
