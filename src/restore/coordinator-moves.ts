import type { Failure } from '../formats/identifiers.ts';
import type { BallotDecision, BallotSlot, OperationPhase } from '../formats/restore-journal.ts';
import type { CoordinatorEffect, CoordinatorMove, CoordinatorState } from './coordinator-state.ts';

// What every change of an operation is made of: the new state, and what is written down before anything follows from it.

/** Where a decision leads. */
export const PHASE_OF = {
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

/** A decision that the hosts shall vote on. `failure`: why the operation goes back. */
export function propose(
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

export function enter(
  state: CoordinatorState,
  phase: OperationPhase,
  effect?: CoordinatorEffect,
): CoordinatorMove {
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

export function stuckBecause(message: string): Failure {
  return { code: 'RESTORE_STUCK', message };
}

export function named(agent: string, failure: Failure): Failure {
  return { code: failure.code, message: `${agent}: ${failure.message}` };
}

/** Nothing to write down. */
export function same(state: CoordinatorState): CoordinatorMove {
  return { state, effects: [] };
}
