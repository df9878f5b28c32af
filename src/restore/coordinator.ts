import type { Failure } from '../formats/identifiers.ts';
import type {
  BallotDecision,
  BallotSlot,
  OperationPhase,
  ParticipantPhase,
} from '../formats/restore-journal.ts';
import { majorityOf } from './ballot.ts';
import {
  all,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorMove,
  type CoordinatorState,
} from './coordinator-state.ts';

/** The coordinator's whole mind: pure, so that every order of events can be tried. */
export function moveCoordinator(state: CoordinatorState, event: CoordinatorEvent): CoordinatorMove {
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
    case 'report': {
      const { [event.report.agent]: _, ...silentSinceMs } = state.silentSinceMs;
      return same({
        ...state,
        silentSinceMs,
        reports: { ...state.reports, [event.report.agent]: event.report },
      });
    }
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
    case 'abort-requested':
      return canAbort(state)
        ? propose(state, 'first', 'abort', { code: 'RESTORE_ABORTED', message: `${event.by} asked for it` })
        : same(state);
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
      return same(state);
  }
}

function resume(state: CoordinatorState): CoordinatorMove {
  if (canAbort(state)) {
    const failure = { code: 'RESTORE_ABORTED', message: `the coordinator restarted while ${state.phase}` };
    return propose(state, 'first', 'abort', failure);
  }
  if (state.phase === 'verifying' && state.ballot?.slot === 'first') {
    return { state, effects: [{ type: 'run-gate' }] };
  }
  return same(state);
}

/** The next thing that follows from what is known, or `undefined`. */
function step(state: CoordinatorState, event: CoordinatorEvent): CoordinatorMove | undefined {
  const atMs = event.type === 'tick' ? event.atMs : undefined;
  if (canAbort(state)) {
    const failure = trouble(state, atMs);
    if (failure !== undefined) return propose(state, 'first', 'abort', failure);
  }
  if (state.ballot?.decided === false) return countVotes(state);
  switch (state.phase) {
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
      return stepCommitting(state);
    case 'accepted':
      return reached(state, 'finished', atMs) ? enter(state, 'finished') : stuckIfFailed(state, 'finishing');
    case 'aborting':
      return reached(state, 'aborted', atMs) ? enter(state, 'aborted') : stuckIfFailed(state, 'aborting');
    case 'rolling-back':
      if (all(state, ['rolled-back'])) return enter(state, 'rolled-back');
      return stuckIfFailed(state, 'rollback-stopping') ?? stuckIfFailed(state, 'rolling-back');
    case 'verifying':
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

/** A decision counts when a majority of the participants has synced it; a host that refused can only mean abort. */
function countVotes(state: CoordinatorState): CoordinatorMove | undefined {
  const { ballot } = state;
  if (ballot === undefined) return undefined;
  const votes = state.hosts.filter(
    (agent) =>
      state.reports[agent]?.votes[ballot.slot] === ballot.decision ||
      (ballot.decision === 'abort' && state.refused[agent] !== undefined),
  ).length;
  if (votes < majorityOf(state.hosts.length)) return undefined;
  const decided = { ...state, ballot: { ...ballot, decided: true } };
  const record = { type: 'record-decided', slot: ballot.slot, decision: ballot.decision } as const;
  const next = ballot.decision === 'commit' ? enter(decided, 'committing') : undefined;
  const accepted = ballot.decision === 'accepted' ? enter(decided, 'accepted') : undefined;
  const move = next ?? accepted ?? same(decided);
  return { state: move.state, effects: [record, ...move.effects] };
}

/** Before a commit is proposed nothing is lost by giving up; afterwards the outcome may be known elsewhere. */
function canAbort(state: CoordinatorState): boolean {
  return state.ballot === undefined && ['preparing', 'prepared', 'stopping', 'stopped'].includes(state.phase);
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
  for (const agent of state.hosts) {
    const failure = state.reports[agent]?.failure;
    if (failure !== undefined) return named(agent, failure);
  }
  return undefined;
}

function named(agent: string, failure: Failure): Failure {
  return { code: failure.code, message: `${agent}: ${failure.message}` };
}

function goBack(state: CoordinatorState, failure: Failure): CoordinatorMove {
  if (state.goingBack) return same(state);
  return { state: { ...state, failure, goingBack: true }, effects: [{ type: 'check-writes' }] };
}

function writesChecked(state: CoordinatorState, clientsWrote: boolean): CoordinatorMove {
  const settled = { ...state, goingBack: false };
  if (!clientsWrote) return propose(settled, 'second', 'rollback', state.failure);
  const reason = state.failure?.message ?? 'the acceptance gate failed';
  return enter(
    {
      ...settled,
      failure: {
        code: 'RESTORE_STUCK',
        message: `${reason}; clients have written to the new cluster meanwhile`,
      },
    },
    'stuck',
  );
}

function stuckIfFailed(state: CoordinatorState, phase: ParticipantPhase): CoordinatorMove | undefined {
  const agent = state.hosts.find(
    (name) => state.reports[name]?.phase === phase && state.reports[name].failure !== undefined,
  );
  const failure = agent === undefined ? undefined : state.reports[agent]?.failure;
  if (agent === undefined || failure === undefined) return undefined;
  return enter({ ...state, failure: named(agent, failure) }, 'stuck');
}

const PHASE_OF = { abort: 'aborting', rollback: 'rolling-back' } as const;

function propose(
  state: CoordinatorState,
  slot: BallotSlot,
  decision: BallotDecision,
  failure?: Failure,
): CoordinatorMove {
  const proposed: CoordinatorState = {
    ...state,
    ballot: { slot, decision, decided: false },
    ...(failure === undefined ? {} : { failure }),
  };
  const record = { type: 'record-proposed', slot, decision } as const;
  if (decision !== 'abort' && decision !== 'rollback') return { state: proposed, effects: [record] };
  const move = enter(proposed, PHASE_OF[decision]);
  return { state: move.state, effects: [record, ...move.effects] };
}

function enter(state: CoordinatorState, phase: OperationPhase, effect?: CoordinatorEffect): CoordinatorMove {
  return {
    state: { ...state, phase },
    effects: [
      { type: 'record-phase', phase, ...(state.failure === undefined ? {} : { failure: state.failure }) },
      ...(effect === undefined ? [] : [effect]),
    ],
  };
}

/** Every host got there, or is silent for so long that it will hear of the outcome when it asks. */
function reached(state: CoordinatorState, phase: ParticipantPhase, atMs: number | undefined): boolean {
  if (state.ballot?.decided !== true) return false;
  return state.hosts.every((agent) => {
    if (state.reports[agent]?.phase === phase || state.refused[agent] !== undefined) return true;
    const since = state.silentSinceMs[agent];
    return since !== undefined && atMs !== undefined && atMs - since >= state.graceMs;
  });
}

function same(state: CoordinatorState): CoordinatorMove {
  return { state, effects: [] };
}
