import type { Failure } from '../formats/identifiers.ts';
import type { ParticipantPhase } from '../formats/restore-journal.ts';
import type { ParticipantReport } from '../formats/restore-messages.ts';
import { compareEpochs } from './ballot.ts';
import { enter, named, propose, same, stuckBecause } from './coordinator-moves.ts';
import {
  all,
  expectedHosts,
  isOver,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorMove,
  type CoordinatorState,
} from './coordinator-state.ts';
import { adopt, countVotes, hasPromises } from './count-ballots.ts';
import { canAbort, refusalOf } from './judge-request.ts';

/** The coordinator's whole mind: pure, so that every order of events can be tried. */
export function moveCoordinator(state: CoordinatorState, event: CoordinatorEvent): CoordinatorMove {
  if (isOver(state) && event.type !== 'requested') return same(state);
  const seen = observe(state, event);
  const effects: CoordinatorEffect[] = [...seen.effects];
  let current = seen.state;
  for (let next = step(current, event); next !== undefined; next = step(current, event)) {
    effects.push(...next.effects);
    current = next.state;
  }
  return { state: current, effects };
}

/** What an event says, without what follows from it. */
function observe(state: CoordinatorState, event: CoordinatorEvent): CoordinatorMove {
  switch (event.type) {
    case 'report':
      return same(heard(state, event.report));
    case 'silent': {
      const since = state.silentSinceMs[event.agent] ?? event.atMs;
      return same({ ...state, silentSinceMs: { ...state.silentSinceMs, [event.agent]: since } });
    }
    case 'refused':
      return same({ ...state, refused: { ...state.refused, [event.agent]: event.failure } });
    case 'guard-passed':
      return same({
        ...state,
        guardPassed: state.phase === (event.stage === 'before-stop' ? 'prepared' : 'stopped'),
      });
    case 'guard-failed':
      return canAbort(state) ? propose(state, 'first', 'abort', event.failure) : same(state);
    case 'requested':
      return obey(state, event);
    case 'deposed':
      return same({ ...state, deposedBy: event.by });
    case 'gate-passed':
      return state.phase === 'verifying' && state.ballot?.slot === 'first' && !state.goingBack
        ? propose(state, 'second', 'accepted')
        : same(state);
    case 'gate-failed':
      return state.phase === 'verifying' && state.ballot?.slot === 'first'
        ? goBack(state, event.failure)
        : same(state);
    case 'writes-checked':
      return state.goingBack ? writesChecked(state, event.clientsWrote) : same(state);
    case 'resumed':
      return resume(state);
    case 'tick':
      return same(notAfter(state, event.atMs));
  }
}

/** A clock that was set back must not make anybody wait for as long again. */
function notAfter(state: CoordinatorState, atMs: number): CoordinatorState {
  const late = Object.entries(state.silentSinceMs).filter(([, since]) => since > atMs);
  if (late.length === 0) return state;
  const since = Object.fromEntries(late.map(([agent]) => [agent, atMs]));
  return { ...state, silentSinceMs: { ...state.silentSinceMs, ...since } };
}

/** A host that was reimaged knows nothing; one that follows another coordinator is asked to follow this one first. */
function heard(state: CoordinatorState, report: ParticipantReport): CoordinatorState {
  const { agent, epoch, journalId } = report;
  if (journalId !== state.journalIds[agent]) {
    const failure = {
      code: 'RESTORE_STEP_FAILED',
      message: 'it was reimaged and knows nothing of this operation',
    };
    return { ...state, refused: { ...state.refused, [agent]: failure } };
  }
  const { [agent]: _, ...silentSinceMs } = state.silentSinceMs;
  if (compareEpochs(epoch, state.epoch) !== 0) return { ...state, silentSinceMs };
  return { ...state, silentSinceMs, reports: { ...state.reports, [agent]: report } };
}

/** What `refusalOf` let through. Anything else changes nothing. */
function obey(
  state: CoordinatorState,
  order: Extract<CoordinatorEvent, { type: 'requested' }>,
): CoordinatorMove {
  if (refusalOf(state, order) !== undefined) return same(state);
  const failure = { code: 'RESTORE_ABORTED', message: `${order.by} asked for it` };
  if (order.kind === 'abort') return propose(state, 'first', 'abort', failure);
  const without = [...new Set([...state.without, ...order.without])];
  const told: CoordinatorState = { ...state, without, goingBack: false };
  if (order.kind === 'rollback') {
    if (state.phase === 'rolling-back') return enter(told, 'rolling-back');
    return propose(told, 'second', 'rollback', { ...failure, code: 'RESTORE_ROLLED_BACK' });
  }
  const { failure: _, ...mended } = told;
  return enter({ ...mended, operatorAccepts: true }, 'committing');
}

function resume(state: CoordinatorState): CoordinatorMove {
  if (canAbort(state)) {
    const failure = { code: 'RESTORE_ABORTED', message: `the coordinator restarted while ${state.phase}` };
    return propose(state, 'first', 'abort', failure);
  }
  // Not before every host says again that it runs the new data, and follows this coordinator: another may have taken over.
  if (state.phase === 'verifying' && state.ballot?.slot === 'first') return enter(state, 'committing');
  return same(state);
}

/** The next thing that follows from what is known, or `undefined`. */
function step(state: CoordinatorState, event: CoordinatorEvent): CoordinatorMove | undefined {
  if (isOver(state)) return undefined;
  const atMs = event.type === 'tick' ? event.atMs : undefined;
  if (canAbort(state)) {
    const failure = trouble(state, atMs);
    if (failure !== undefined) return propose(state, 'first', 'abort', failure);
  }
  if (state.ballot?.decided === false) return countVotes(state);
  return state.ballot === undefined ? stepUndecided(state) : stepDecided(state, atMs);
}

/** One barrier after the other, up to the proposal. */
function stepUndecided(state: CoordinatorState): CoordinatorMove | undefined {
  switch (state.phase) {
    case 'taking-over':
      return hasPromises(state) ? adopt(state) : undefined;
    case 'preparing':
      return all(state, ['prepared'])
        ? enter(state, 'prepared', { type: 'check-guards', stage: 'before-stop' })
        : undefined;
    case 'prepared':
      return state.guardPassed ? enter({ ...state, guardPassed: false }, 'stopping') : undefined;
    case 'stopping':
      return all(state, ['stopped', 'confirming', 'confirmed'])
        ? enter(state, 'stopped', { type: 'check-guards', stage: 'before-decision' })
        : undefined;
    case 'stopped':
      return all(state, ['confirmed']) && state.guardPassed ? propose(state, 'first', 'commit') : undefined;
    case 'committing':
    case 'verifying':
    case 'accepted':
    case 'finished':
    case 'aborting':
    case 'aborted':
    case 'rolling-back':
    case 'rolled-back':
    case 'stuck':
      return undefined;
  }
}

/** On to the end that was decided. At the gate it is the gate that speaks. */
function stepDecided(state: CoordinatorState, atMs: number | undefined): CoordinatorMove | undefined {
  switch (state.phase) {
    case 'committing':
      return stepCommitting(state);
    case 'accepted':
      if (reached(state, 'finished', atMs)) return enter(state, 'finished');
      return stuckIfFailed(state, ['finishing', 'committing']);
    case 'aborting':
      return reached(state, 'aborted', atMs) ? enter(state, 'aborted') : stuckIfFailed(state, ['aborting']);
    case 'rolling-back':
      if (all(state, ['rolled-back'])) return enter(state, 'rolled-back');
      return stuckIfFailed(state, ['rollback-stopping', 'rolling-back']);
    case 'stopped':
      // Proposed again by a takeover that went down, and decided before it: the journal knows.
      return enter(state, 'committing');
    case 'verifying':
      return state.ballot?.slot === 'second' ? enter(state, 'accepted') : undefined;
    case 'taking-over':
    case 'preparing':
    case 'prepared':
    case 'stopping':
    case 'finished':
    case 'aborted':
    case 'rolled-back':
    case 'stuck':
      return undefined;
  }
}

function stepCommitting(state: CoordinatorState): CoordinatorMove | undefined {
  if (state.goingBack) return undefined;
  const failed = firstFailure(state);
  if (failed !== undefined) return goBack(state, failed);
  return all(state, ['started']) ? enter(state, 'verifying', { type: 'run-gate' }) : undefined;
}

/** Why the operation cannot go on before the decision, if so. */
function trouble(state: CoordinatorState, atMs: number | undefined): Failure | undefined {
  const refusal = Object.entries(state.refused)[0];
  if (refusal !== undefined) return named(refusal[0], refusal[1]);
  const failed = firstFailure(state);
  if (failed !== undefined) return failed;
  if (atMs === undefined) return undefined;
  const silent = Object.entries(state.silentSinceMs).find(([, since]) => atMs - since >= state.graceMs);
  if (silent === undefined) return undefined;
  const seconds = Math.round((atMs - silent[1]) / 1000);
  return { code: 'PEER_UNREACHABLE', message: `${silent[0]} has not answered for ${seconds} s` };
}

function firstFailure(state: CoordinatorState): Failure | undefined {
  for (const agent of expectedHosts(state)) {
    const failure = state.reports[agent]?.failure;
    if (failure !== undefined) return named(agent, failure);
  }
  return undefined;
}

function goBack(state: CoordinatorState, failure: Failure): CoordinatorMove {
  if (state.goingBack) return same(state);
  if (state.operatorAccepts) return enter({ ...state, failure: stuckBecause(failure.message) }, 'stuck');
  return { state: { ...state, failure, goingBack: true }, effects: [{ type: 'check-writes' }] };
}

function writesChecked(state: CoordinatorState, clientsWrote: boolean): CoordinatorMove {
  const settled = { ...state, goingBack: false };
  if (!clientsWrote) return propose(settled, 'second', 'rollback', state.failure);
  const reason = state.failure?.message ?? 'the acceptance gate failed';
  const failure = stuckBecause(`${reason}; clients may have written to the new cluster meanwhile`);
  return enter({ ...settled, failure }, 'stuck');
}

function stuckIfFailed(
  state: CoordinatorState,
  phases: readonly ParticipantPhase[],
): CoordinatorMove | undefined {
  for (const agent of expectedHosts(state)) {
    const report = state.reports[agent];
    if (report?.failure !== undefined && phases.includes(report.phase)) {
      return enter({ ...state, failure: named(agent, report.failure) }, 'stuck');
    }
  }
  return undefined;
}

/** Every host got there, or is silent for so long that it will hear of the outcome when it asks. */
function reached(state: CoordinatorState, phase: ParticipantPhase, atMs: number | undefined): boolean {
  if (state.ballot?.decided !== true) return false;
  return expectedHosts(state).every((agent) => {
    if (state.reports[agent]?.phase === phase || state.refused[agent] !== undefined) return true;
    const since = state.silentSinceMs[agent];
    return since !== undefined && atMs !== undefined && atMs - since >= state.graceMs;
  });
}
