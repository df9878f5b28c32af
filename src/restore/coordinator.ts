import type { Failure } from '../formats/identifiers.ts';
import type {
  BallotDecision,
  BallotSlot,
  OperationPhase,
  ParticipantPhase,
} from '../formats/restore-journal.ts';
import type { ParticipantReport } from '../formats/restore-messages.ts';
import { adoptedDecision, compareEpochs, majorityOf } from './ballot.ts';
import {
  all,
  expectedHosts,
  follows,
  isOver,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorMove,
  type CoordinatorState,
} from './coordinator-state.ts';
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
      return same(state);
  }
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
  if (state.phase === 'verifying' && state.ballot?.slot === 'first') {
    return { state, effects: [{ type: 'run-gate' }] };
  }
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
      return stepCommitting(state);
    case 'accepted':
      if (reached(state, 'finished', atMs)) return enter(state, 'finished');
      return stuckIfFailed(state, 'finishing') ?? stuckIfFailed(state, 'committing');
    case 'aborting':
      return reached(state, 'aborted', atMs) ? enter(state, 'aborted') : stuckIfFailed(state, 'aborting');
    case 'rolling-back':
      if (state.ballot?.decided === true && all(state, ['rolled-back'])) return enter(state, 'rolled-back');
      return stuckIfFailed(state, 'rollback-stopping') ?? stuckIfFailed(state, 'rolling-back');
    case 'verifying':
    case 'finished':
    case 'aborted':
    case 'rolled-back':
    case 'stuck':
      return undefined;
  }
}

const STOPPED: readonly ParticipantPhase[] = ['stopped', 'confirming', 'confirmed'];

/** A majority follows; where the operator gave the others up, all that are left. */
function hasPromises(state: CoordinatorState): boolean {
  const expected = expectedHosts(state);
  const following = expected.filter((agent) => follows(state, agent)).length;
  if (state.forced !== undefined) return expected.length > 0 && following === expected.length;
  return following >= majorityOf(state.hosts.length);
}

/** Goes on with whatever may have been decided. Where nothing can have been, nothing was changed: it is undone. */
function adopt(state: CoordinatorState): CoordinatorMove {
  const reports = state.hosts
    .filter((agent) => follows(state, agent))
    .flatMap((agent) => state.reports[agent] ?? []);
  for (const slot of ['second', 'first'] as const) {
    const found = adoptedDecision(reports, slot);
    if (found?.decided === true) return goOn(state, slot, found.decision);
    // What only silent hosts may know is what the operator answers for.
    if (slot === 'first' && state.forced !== undefined) return force(state, state.forced);
    if (found !== undefined) return propose(state, slot, found.decision, takenOver(state));
  }
  return propose(state, 'first', 'abort', takenOver(state));
}

function force(state: CoordinatorState, outcome: 'commit' | 'abort'): CoordinatorMove {
  if (outcome === 'abort' || all(state, STOPPED)) return propose(state, 'first', outcome, takenOver(state));
  const running = expectedHosts(state).find(
    (agent) => !STOPPED.includes(state.reports[agent]?.phase ?? 'preparing'),
  );
  const phase = state.reports[running ?? '']?.phase ?? 'unknown';
  const message = `${running ?? 'a host'} is ${phase}: no commit can be forced before etcd is stopped on every host`;
  return enter({ ...state, failure: stuckBecause(message) }, 'stuck');
}

function takenOver({ epoch }: CoordinatorState): Failure {
  return { code: 'RESTORE_ABORTED', message: `${epoch.agent} took over` };
}

/** What is decided already needs no votes. */
function goOn(state: CoordinatorState, slot: BallotSlot, decision: BallotDecision): CoordinatorMove {
  const back = decision === 'abort' || decision === 'rollback';
  const adopted: CoordinatorState = {
    ...state,
    ballot: { slot, decision, decided: true },
    ...(back ? { failure: takenOver(state) } : {}),
  };
  const move = enter(adopted, PHASE_OF[decision]);
  return { state: move.state, effects: [{ type: 'record-decided', slot, decision }, ...move.effects] };
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
  const { slot, decision } = ballot;
  const voters = state.forced === undefined ? state.hosts : expectedHosts(state);
  const votes = voters.filter((agent) => hasVoted(state, agent, slot, decision)).length;
  if (votes < majorityOf(voters.length)) return undefined;
  const decided = { ...state, ballot: { slot, decision, decided: true } };
  const record = { type: 'record-decided', slot, decision } as const;
  const forward = decision === 'commit' || decision === 'accepted';
  const move = forward ? enter(decided, PHASE_OF[decision]) : same(decided);
  return { state: move.state, effects: [record, ...move.effects] };
}

/** Only votes for this epoch count. A host that refused from the start holds nothing that an abort would have to undo. */
function hasVoted(
  state: CoordinatorState,
  agent: string,
  slot: BallotSlot,
  decision: BallotDecision,
): boolean {
  const { reports, refused, epoch } = state;
  const vote = reports[agent]?.votes[slot];
  if (vote !== undefined) return vote.decision === decision && compareEpochs(vote.epoch, epoch) === 0;
  return (
    decision === 'abort' &&
    epoch.counter === 1 &&
    reports[agent] === undefined &&
    refused[agent] !== undefined
  );
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

function named(agent: string, failure: Failure): Failure {
  return { code: failure.code, message: `${agent}: ${failure.message}` };
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
  const failure = stuckBecause(`${reason}; clients have written to the new cluster meanwhile`);
  return enter({ ...settled, failure }, 'stuck');
}

function stuckBecause(message: string): Failure {
  return { code: 'RESTORE_STUCK', message };
}

function stuckIfFailed(state: CoordinatorState, phase: ParticipantPhase): CoordinatorMove | undefined {
  const agent = expectedHosts(state).find(
    (name) => state.reports[name]?.phase === phase && state.reports[name].failure !== undefined,
  );
  const failure = agent === undefined ? undefined : state.reports[agent]?.failure;
  if (agent === undefined || failure === undefined) return undefined;
  return enter({ ...state, failure: named(agent, failure) }, 'stuck');
}

/** Where a decision leads. */
const PHASE_OF = {
  commit: 'committing',
  abort: 'aborting',
  accepted: 'accepted',
  rollback: 'rolling-back',
} as const satisfies Record<BallotDecision, OperationPhase>;

/** What an operation is in while one of these is voted on: a way back shows at once. */
const PROPOSED_IN = {
  commit: 'stopped',
  abort: 'aborting',
  accepted: 'verifying',
  rollback: 'rolling-back',
} as const satisfies Record<BallotDecision, OperationPhase>;

function propose(
  state: CoordinatorState,
  slot: BallotSlot,
  decision: BallotDecision,
  failure?: Failure,
): CoordinatorMove {
  const back = decision === 'abort' || decision === 'rollback';
  const proposed: CoordinatorState = {
    ...state,
    ballot: { slot, decision, decided: false },
    ...(back && failure !== undefined ? { failure } : {}),
  };
  const record = { type: 'record-proposed', slot, decision } as const;
  const phase = PROPOSED_IN[decision];
  if (phase === state.phase) return { state: proposed, effects: [record] };
  const move = enter(proposed, phase);
  return { state: move.state, effects: [record, ...move.effects] };
}

function enter(state: CoordinatorState, phase: OperationPhase, effect?: CoordinatorEffect): CoordinatorMove {
  return {
    state: { ...state, phase },
    effects: [
      {
        type: 'record-phase',
        phase,
        ...(state.failure === undefined ? {} : { failure: state.failure }),
        ...(state.without.length === 0 ? {} : { without: state.without }),
        ...(state.operatorAccepts ? { operatorAccepts: true } : {}),
      },
      ...(effect === undefined ? [] : [effect]),
    ],
  };
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

function same(state: CoordinatorState): CoordinatorMove {
  return { state, effects: [] };
}
