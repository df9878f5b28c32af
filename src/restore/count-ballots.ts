import type { Failure } from '../formats/identifiers.ts';
import type { BallotDecision, BallotSlot, ParticipantPhase } from '../formats/restore-journal.ts';
import { adoptedDecision, compareEpochs, majorityOf } from './ballot.ts';
import { enter, PHASE_OF, propose, same, stuckBecause } from './coordinator-moves.ts';
import {
  all,
  expectedHosts,
  follows,
  type CoordinatorMove,
  type CoordinatorState,
} from './coordinator-state.ts';

/** A decision counts when a majority of the participants has synced it; a host that refused can only mean abort. */
export function countVotes(state: CoordinatorState): CoordinatorMove | undefined {
  const { ballot, voters } = state;
  if (ballot === undefined) return undefined;
  const { slot, decision } = ballot;
  const votes = voters.filter((agent) => hasVoted(state, agent, slot, decision)).length;
  if (votes < majorityOf(voters.length) && !isKnown(state, slot, decision)) return undefined;
  const decided = { ...state, ballot: { slot, decision, decided: true } };
  const record = { type: 'record-decided', slot, decision } as const;
  const forward = decision === 'commit' || decision === 'accepted';
  const move = forward ? enter(decided, PHASE_OF[decision]) : same(decided);
  return { state: move.state, effects: [record, ...move.effects] };
}

/** A host that acts on the decision, and followed too late to be heard when it was adopted, votes no more. */
function isKnown({ reports }: CoordinatorState, slot: BallotSlot, decision: BallotDecision): boolean {
  return Object.values(reports).some((report) => report.decided[slot] === decision);
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

const STOPPED: readonly ParticipantPhase[] = ['stopped', 'confirming', 'confirmed'];

/** A majority follows; where the operator gave the others up, all that are left. */
export function hasPromises(state: CoordinatorState): boolean {
  const expected = expectedHosts(state);
  const following = expected.filter((agent) => follows(state, agent)).length;
  if (state.forced !== undefined) return expected.length > 0 && following === expected.length;
  return following >= majorityOf(state.hosts.length);
}

/** Goes on with whatever may have been decided. Where nothing can have been, nothing was changed: it is undone. */
export function adopt(state: CoordinatorState): CoordinatorMove {
  const reports = state.hosts
    .filter((agent) => follows(state, agent))
    .flatMap((agent) => state.reports[agent] ?? []);
  for (const slot of ['second', 'first'] as const) {
    const found = adoptedDecision(reports, slot);
    if (found?.decided === true) return goOn(state, slot, found.decision);
    // What only silent hosts may know is what the operator answers for.
    if (slot === 'first' && state.forced !== undefined) return force(state, state.forced.outcome);
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
