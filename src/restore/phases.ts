import type { OperationEnd, OperationPhase, ParticipantPhase } from '../formats/restore-journal.ts';

/** The phases in which a host is doing something, and where each one rests when it is done. */
export const RESTS_AT = {
  preparing: 'prepared',
  stopping: 'stopped',
  confirming: 'confirmed',
  committing: 'started',
  finishing: 'finished',
  aborting: 'aborted',
  'rollback-stopping': 'rollback-stopped',
  'rolling-back': 'rolled-back',
} as const satisfies Partial<Record<ParticipantPhase, ParticipantPhase>>;

export type WorkingPhase = keyof typeof RESTS_AT;

export function isWorking(phase: ParticipantPhase): phase is WorkingPhase {
  return Object.hasOwn(RESTS_AT, phase);
}

const CLOSED = ['finished', 'aborted', 'rolled-back'] as const satisfies readonly ParticipantPhase[];

/** Whether a host is done with the operation for good. */
export function isClosed(phase: ParticipantPhase): phase is (typeof CLOSED)[number] {
  return CLOSED.some((closed) => closed === phase);
}

const UNDECIDED: readonly ParticipantPhase[] = [
  'preparing',
  'prepared',
  'stopping',
  'stopped',
  'confirming',
  'confirmed',
];

/** Whether a host has changed nothing yet that deleting the staging directory and a start would not undo. */
export function isUndecided(phase: ParticipantPhase): boolean {
  return UNDECIDED.includes(phase);
}

const LEADING_OUT: readonly ParticipantPhase[] = [
  'finishing',
  'aborting',
  'rollback-stopping',
  'rolling-back',
];

/** Whether a host is on its way out of the operation: there is no other way, so what fails is tried again. */
export function leadsOut(phase: ParticipantPhase): boolean {
  return LEADING_OUT.includes(phase);
}

const ENDED: readonly OperationPhase[] = [
  'finished',
  'aborted',
  'rolled-back',
  'stuck',
] satisfies OperationEnd[];

/** Whether the operation goes no further by itself. */
export function isEnded(phase: OperationPhase): phase is OperationEnd {
  return ENDED.includes(phase);
}
