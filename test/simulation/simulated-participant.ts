import type { Epoch, JournalEntry } from '../../src/formats/restore-journal.ts';
import { compareEpochs } from '../../src/restore/ballot.ts';
import { participantEntries } from '../../src/restore/effect-entries.ts';
import type { ParticipantEvent, ParticipantMove, ParticipantState } from '../../src/restore/participant.ts';
import type { WorkingPhase } from '../../src/restore/phases.ts';
import { Breach, CallFailed } from './accidents.ts';
import type { SnapshotPlace } from './prepare-steps.ts';
import type { Rules } from './rules.ts';
import type { SimulatedMachine } from './simulated-machine.ts';
import { completeStep, type Acts, type Signal, type SimulatedStep } from './simulated-step.ts';
import { stepsOf } from './simulated-steps.ts';

/** What a participant's runner has around it. */
export interface ParticipantSurroundings {
  readonly host: string;
  readonly rules: Rules;
  readonly machine: SimulatedMachine;
  readonly place: SnapshotPlace;
  readonly append: (entries: readonly JournalEntry[]) => void;
  readonly say: (words: string) => void;
  readonly at: () => string;
}

interface Work {
  readonly phase: WorkingPhase;
  /** Whose order it is; absent where it follows from what a peer knew. */
  readonly epoch: Epoch | undefined;
  readonly signal: Signal;
  readonly acts: Acts;
}

/** One host's part: the real machine, with the order of things of `ParticipantRunner`. */
export class SimulatedParticipant {
  readonly #around: ParticipantSurroundings;
  readonly #doneSteps: Set<string>;
  #state: ParticipantState;
  #work: Work | undefined;
  /** How the last work ended, as long as the journal cannot take it. */
  #unwritten: ParticipantEvent | undefined;
  #version = 1;

  constructor(around: ParticipantSurroundings, state: ParticipantState, doneSteps: ReadonlySet<string>) {
    this.#around = around;
    this.#state = state;
    this.#doneSteps = new Set(doneSteps);
  }

  get state(): ParticipantState {
    return this.#state;
  }

  get version(): number {
    return this.#version;
  }

  /** etcd came up on the restored data. */
  get hasServed(): boolean {
    return this.#doneSteps.has('committing/start');
  }

  get works(): boolean {
    return this.#work !== undefined || this.#unwritten !== undefined;
  }

  begin({ effects }: Pick<ParticipantMove, 'effects'>): void {
    this.#act(effects, this.#state.epoch);
  }

  /** @param orderedBy - The coordinator that asks. */
  dispatch(event: ParticipantEvent, orderedBy?: Epoch): void {
    const { rules, append, at } = this.#around;
    const move = rules.moveParticipant(this.#state, event);
    this.#requireCurrent(move, orderedBy);
    if (move.effects[0]?.type === 'interrupt' && rules.endsWorkBeforePromise) this.#interrupt();
    const entries = participantEntries(move.effects, move.state.epoch, at());
    if (entries.length > 0) append(entries);
    this.#note(move);
    this.#state = move.state;
    if (move.effects.length > 0) this.#version += 1;
    if (event.type !== 'promise' && move.effects.some(({ type }) => type === 'interrupt')) this.#interrupt();
    this.#act(move.effects, orderedBy);
  }

  /** The work under way goes on by one act. */
  act(): void {
    const ended = this.#unwritten;
    if (ended !== undefined) this.#settle(ended);
    this.#go((acts) => acts.next());
  }

  /** What the work is at does not succeed. */
  fail(): void {
    const failure = new CallFailed('RESTORE_STEP_FAILED', 'it did not succeed');
    this.#go((acts) => acts.throw(failure));
  }

  #go(next: (acts: Acts) => IteratorResult<undefined, void>): void {
    const work = this.#work;
    if (work === undefined) return;
    this.#requireOwner(work);
    try {
      if (next(work.acts).done !== true) return;
      this.#work = undefined;
      this.#settle({ type: 'work-done', phase: work.phase });
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      this.#work = undefined;
      const { code, message } = error;
      this.#around.say(`${work.phase} failed: ${message}`);
      this.#settle({ type: 'work-failed', phase: work.phase, failure: { code, message } });
    }
  }

  /** Nobody repeats how work ended: the same is written until it is there. */
  #settle(ended: ParticipantEvent): void {
    this.#unwritten = undefined;
    try {
      this.dispatch(ended);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      this.#unwritten = ended;
    }
  }

  /** Ends what runs and waits for it: an effect that has begun is completed. */
  #interrupt(): void {
    this.#unwritten = undefined;
    const work = this.#work;
    if (work === undefined) return;
    this.#work = undefined;
    work.signal.aborted = true;
    try {
      while (work.acts.next().done !== true);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
    }
  }

  #act(effects: ParticipantMove['effects'], epoch: Epoch | undefined): void {
    for (const effect of effects) {
      if (effect.type !== 'work') continue;
      const signal = { aborted: false };
      this.#work = { phase: effect.phase, epoch, signal, acts: this.#run(effect.phase, signal) };
    }
  }

  *#run(phase: WorkingPhase, signal: Signal): Acts {
    const { machine, place, rules } = this.#around;
    for (const step of stepsOf(phase, { machine, place, ...rules })) {
      if (!step.askAgain && this.#doneSteps.has(`${phase}/${step.name}`)) {
        if (rules.skipsDoneSteps) continue;
        yield* this.#repeat(step, signal);
        continue;
      }
      yield* completeStep(step, this.#recordStep(phase), signal);
    }
  }

  /** A planted fault: the effect again, without a look. */
  *#repeat(step: SimulatedStep, signal: Signal): Acts {
    yield* step.run(signal);
  }

  #recordStep(phase: WorkingPhase) {
    return (step: string, outcome: 'started' | 'done' | 'failed'): void => {
      const { append, at, say } = this.#around;
      if (outcome === 'done') this.#doneSteps.add(`${phase}/${step}`);
      append([{ type: 'step', at: at(), step, outcome }]);
      say(`step ${phase}/${step} ${outcome}`);
    };
  }

  #note({ effects, state }: ParticipantMove): void {
    for (const effect of effects) {
      if (effect.type === 'record-vote')
        this.#around.say(`votes ${effect.decision} for ${state.epoch.counter}/${state.epoch.agent}`);
      else if (effect.type === 'record-decided') this.#around.say(`holds ${effect.decision} for decided`);
      else if (effect.type === 'record-phase') this.#around.say(`is ${effect.phase}`);
      else if (effect.type === 'record-promised')
        this.#around.say(`follows ${effect.epoch.counter}/${effect.epoch.agent}`);
      else if (effect.type === 'record-failure') this.#around.say(`failed: ${effect.failure.message}`);
    }
  }

  #requireCurrent({ effects }: ParticipantMove, orderedBy: Epoch | undefined): void {
    if (orderedBy === undefined || effects.length === 0) return;
    const { epoch } = this.#state;
    if (compareEpochs(orderedBy, epoch) < 0)
      throw new Breach(
        `I6: ${this.#around.host} obeys ${orderedBy.counter}/${orderedBy.agent} though it follows ${epoch.counter}/${epoch.agent}`,
      );
  }

  #requireOwner({ epoch, phase }: Work): void {
    const followed = this.#state.epoch;
    if (epoch !== undefined && compareEpochs(epoch, followed) < 0)
      throw new Breach(
        `I6: ${this.#around.host} is still ${phase} for ${epoch.counter}/${epoch.agent} though it follows ${followed.counter}/${followed.agent}`,
      );
  }
}
