import type { Failure } from '../formats/identifiers.ts';
import type {
  BallotDecision,
  BallotSlot,
  Epoch,
  ParticipantPhase,
  Vote,
} from '../formats/restore-journal.ts';
import type { Goal } from '../formats/restore-messages.ts';
import { compareEpochs } from './ballot.ts';
import { isUndecided, isWorking, leadsOut, RESTS_AT, type WorkingPhase } from './phases.ts';

/** One host's part of an operation: everything its decisions depend on, all of it read back from the journal. */
export interface ParticipantState {
  readonly phase: ParticipantPhase;
  /** The coordinator that this host follows. */
  readonly epoch: Epoch;
  readonly votes: Readonly<Partial<Record<BallotSlot, Vote>>>;
  readonly decided: Readonly<Partial<Record<BallotSlot, BallotDecision>>>;
  readonly failure?: Failure;
  /** Steps of `phase` are running now. */
  readonly working: boolean;
  /** How often the work of `phase` failed since this agent started. */
  readonly failedTries: number;
  /** This agent restarted, or follows a new coordinator, since it last acted: what runs on the host must be looked at again. */
  readonly resumed: boolean;
}

export type ParticipantEvent =
  | { readonly type: 'advance'; readonly goal: Goal; readonly epoch: Epoch }
  | { readonly type: 'promise'; readonly epoch: Epoch }
  /** A peer knows how the operation ended. */
  | { readonly type: 'learnt'; readonly goal: 'abort' | 'finish' }
  | { readonly type: 'work-done'; readonly phase: WorkingPhase }
  | { readonly type: 'work-failed'; readonly phase: WorkingPhase; readonly failure: Failure }
  | { readonly type: 'resumed' };

/** What the host does next, in this order. A record is synced before anything after it happens. */
export type ParticipantEffect =
  | { readonly type: 'record-phase'; readonly phase: ParticipantPhase }
  | { readonly type: 'record-failure'; readonly failure: Failure }
  | { readonly type: 'record-promised'; readonly epoch: Epoch }
  | { readonly type: 'record-vote'; readonly slot: BallotSlot; readonly decision: BallotDecision }
  | { readonly type: 'record-decided'; readonly slot: BallotSlot; readonly decision: BallotDecision }
  /** Ends the running step and waits for it: before a promise, and before work that goes another way. */
  | { readonly type: 'interrupt' }
  | { readonly type: 'work'; readonly phase: WorkingPhase };

export interface ParticipantMove {
  readonly state: ParticipantState;
  readonly effects: readonly ParticipantEffect[];
}

/** Work that brings a host back must not give up at the first hiccup; what fails this often needs a person. */
const TRIES_TO_LEAVE = 3;

/** A host that was just asked to prepare. */
export function openParticipant(epoch: Epoch): ParticipantMove {
  return {
    state: {
      phase: 'preparing',
      epoch,
      votes: {},
      decided: {},
      working: true,
      failedTries: 0,
      resumed: false,
    },
    effects: [{ type: 'work', phase: 'preparing' }],
  };
}

/** A host that hears of the operation by the coordinator that took it over: it has nothing, and begins nothing. */
export function openLateParticipant(epoch: Epoch): ParticipantMove {
  const { state } = openParticipant(epoch);
  return cutShort({ ...state, working: false }, 'another host took over');
}

/** The participant's whole mind: pure, so that every order of events can be tried. */
export function moveParticipant(state: ParticipantState, event: ParticipantEvent): ParticipantMove {
  switch (event.type) {
    case 'advance':
      // A newer coordinator asks for a promise first, and an older one is not followed.
      return compareEpochs(event.epoch, state.epoch) === 0 ? advance(state, event.goal) : stay(state);
    case 'promise':
      return promise(state, event.epoch);
    case 'learnt':
      return event.goal === 'abort' ? abort(state) : finish(state);
    case 'work-done':
      return isOutcome(state, event) ? rest(state, event.phase) : stay(state);
    case 'work-failed':
      return isOutcome(state, event) ? fail(state, event) : stay(state);
    case 'resumed':
      return lookAgain(state, 'the agent restarted');
  }
}

/** Work that was overtaken by another phase, or ended before, says nothing any more. */
function isOutcome({ phase, working }: ParticipantState, event: { phase: WorkingPhase }): boolean {
  return working && phase === event.phase;
}

function advance(state: ParticipantState, goal: Goal): ParticipantMove {
  switch (goal) {
    case 'wait':
    case 'prepare':
      return stay(state);
    case 'stop':
      return sound(state) && state.phase === 'prepared' ? begin(state, 'stopping') : stay(state);
    case 'confirm':
      return sound(state) && state.phase === 'stopped' ? begin(state, 'confirming') : stay(state);
    case 'vote-commit':
      return sound(state) && state.phase === 'confirmed' ? vote(state, 'first', 'commit') : stay(state);
    case 'vote-abort':
      return isUndecided(state.phase) ? vote(state, 'first', 'abort') : stay(state);
    case 'commit':
      return commit(state);
    case 'vote-accepted':
      return sound(state) && state.phase === 'started' ? vote(state, 'second', 'accepted') : stay(state);
    case 'vote-rollback':
      return canRollBack(state) ? vote(state, 'second', 'rollback') : stay(state);
    case 'finish':
      return finish(state);
    case 'abort':
      return abort(state);
    case 'rollback-stop':
      return rollbackStop(state);
    case 'rollback':
      return rollback(state);
  }
}

/** The running work ends before the promise is made: its effects are the older coordinator's. */
function promise(state: ParticipantState, epoch: Epoch): ParticipantMove {
  if (compareEpochs(epoch, state.epoch) <= 0) return stay(state);
  const again = lookAgain({ ...triedAnew(state), epoch }, `${epoch.agent} took over`);
  const interrupt = state.working ? ([{ type: 'interrupt' }] as const) : [];
  return {
    state: again.state,
    effects: [...interrupt, { type: 'record-promised', epoch }, ...again.effects],
  };
}

/** What kept a host from the new data may be mended by now: whoever takes over sees whether it is. */
function triedAnew(state: ParticipantState): ParticipantState {
  const { failure: _, ...mended } = state;
  return state.phase === 'committing' ? mended : state;
}

function commit(state: ParticipantState): ParticipantMove {
  if (!sound(state)) return stay(state);
  if (state.phase === 'confirmed') return decide(state, 'first', 'commit', 'committing');
  // After a restart of the host etcd is down under the hold: only the start is still to do.
  if (state.phase === 'started' && state.resumed) return begin({ ...state, resumed: false }, 'committing');
  return again(state, 'committing');
}

/** A host that missed the commit goes through it first: it was held from before that decision, so its old etcd is down. */
function finish(state: ParticipantState): ParticipantMove {
  if (state.phase === 'started') return decide(state, 'second', 'accepted', 'finishing');
  if (STOPPED.includes(state.phase)) {
    const { failure: _, ...mended } = state;
    return decide(mended, 'first', 'commit', 'committing');
  }
  if (state.phase === 'committing') return again(mendedSinceRestart(state), 'committing');
  return again(state, 'finishing');
}

/** With the acceptance there is no other way but forward: after a restart, or for a new coordinator, what failed is tried again. */
function mendedSinceRestart(state: ParticipantState): ParticipantState {
  const { failure: _, ...mended } = state;
  return state.resumed ? mended : state;
}

function abort(state: ParticipantState): ParticipantMove {
  if (isUndecided(state.phase)) return decide(state, 'first', 'abort', 'aborting');
  return again(state, 'aborting');
}

function rollbackStop(state: ParticipantState): ParticipantMove {
  if (canRollBack(state)) return decide(state, 'second', 'rollback', 'rollback-stopping');
  return again(state, 'rollback-stopping');
}

function rollback(state: ParticipantState): ParticipantMove {
  return state.phase === 'rollback-stopped' ? begin(state, 'rolling-back') : again(state, 'rolling-back');
}

const STOPPED: readonly ParticipantPhase[] = ['stopped', 'confirming', 'confirmed'];

/** Not only `started`: a host may have missed the commit that the majority decided. */
function canRollBack({ phase }: ParticipantState): boolean {
  return phase === 'committing' || phase === 'started' || STOPPED.includes(phase);
}

/** One vote in a slot for each coordinator: a newer one knows what may have been decided before. */
function vote(state: ParticipantState, slot: BallotSlot, decision: BallotDecision): ParticipantMove {
  const { epoch, votes } = state;
  const given = votes[slot];
  if (given !== undefined && compareEpochs(given.epoch, epoch) === 0) return stay(state);
  return {
    state: { ...state, votes: { ...votes, [slot]: { decision, epoch } } },
    effects: [{ type: 'record-vote', slot, decision }],
  };
}

function decide(
  state: ParticipantState,
  slot: BallotSlot,
  decision: BallotDecision,
  phase: WorkingPhase,
): ParticipantMove {
  const next = begin({ ...state, decided: { ...state.decided, [slot]: decision } }, phase);
  const interrupt = state.working ? ([{ type: 'interrupt' }] as const) : [];
  return {
    state: next.state,
    effects: [{ type: 'record-decided', slot, decision }, ...interrupt, ...next.effects],
  };
}

function begin(state: ParticipantState, phase: WorkingPhase): ParticipantMove {
  const { failure: _, ...rest } = state;
  return {
    state: { ...rest, phase, working: true, failedTries: 0, resumed: false },
    effects: [
      { type: 'record-phase', phase },
      { type: 'work', phase },
    ],
  };
}

/** Work of `phase` that a restart or a failure interrupted goes on; steps recorded done are not asked again. */
function again(state: ParticipantState, phase: WorkingPhase): ParticipantMove {
  if (state.phase !== phase || state.working || state.failure !== undefined) return stay(state);
  return { state: { ...state, working: true, resumed: false }, effects: [{ type: 'work', phase }] };
}

function rest(state: ParticipantState, phase: WorkingPhase): ParticipantMove {
  const at = RESTS_AT[phase];
  return {
    state: {
      ...state,
      phase: at,
      working: false,
      failedTries: 0,
    },
    effects: [{ type: 'record-phase', phase: at }],
  };
}

function fail(state: ParticipantState, event: { phase: WorkingPhase; failure: Failure }): ParticipantMove {
  const failedTries = state.failedTries + 1;
  if (leadsOut(event.phase) && failedTries < TRIES_TO_LEAVE) {
    return { state: { ...state, working: false, failedTries }, effects: [] };
  }
  return {
    state: { ...state, working: false, failedTries, failure: event.failure },
    effects: [{ type: 'record-failure', failure: event.failure }],
  };
}

/**
 * Nothing is done on the strength of the journal alone: a host waits for what its coordinator says. Preparing or stopping that
 * was cut short counts as failed, so that the operation ends in an abort. That etcd was seen stopped is void: it is seen again.
 */
function lookAgain(state: ParticipantState, why: string): ParticipantMove {
  const idle: ParticipantState = { ...state, working: false, failedTries: 0, resumed: true };
  if (state.phase === 'confirmed' || state.phase === 'confirming') {
    // A look that failed is taken again too: the commit may be decided, and then there is no way but through it.
    const { failure: _, ...mended } = idle;
    return { state: { ...mended, phase: 'stopped' }, effects: [{ type: 'record-phase', phase: 'stopped' }] };
  }
  if (isWorking(state.phase) && isUndecided(state.phase) && sound(state)) return cutShort(idle, why);
  if (leadsOut(state.phase)) {
    // What kept the host from getting there may be mended by now. A failure before that ends the operation: it stays.
    const { failure: _, ...mended } = idle;
    return stay(mended);
  }
  return stay(idle);
}

function cutShort(state: ParticipantState, why: string): ParticipantMove {
  const failure = { code: 'RESTORE_STEP_FAILED', message: `${why} while it was ${state.phase}` };
  return { state: { ...state, resumed: true, failure }, effects: [{ type: 'record-failure', failure }] };
}

function sound(state: ParticipantState): boolean {
  return state.failure === undefined;
}

function stay(state: ParticipantState): ParticipantMove {
  return { state, effects: [] };
}
