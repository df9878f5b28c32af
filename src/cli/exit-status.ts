import { ERROR_CODES, type ErrorCode } from '../base/error-codes.ts';
import type { OperationPhase } from '../formats/restore-journal.ts';

/** 128 and SIGPIPE, as of any program whose reader left. */
export const READER_GONE_EXIT_STATUS = 141;

/** Of a command that failed with `code`. */
export function exitStatusOfError(code: ErrorCode): number {
  return ERROR_CODES[code].exitStatus;
}

const END_CODES: Partial<Record<OperationPhase, ErrorCode>> = {
  aborted: 'RESTORE_ABORTED',
  'rolled-back': 'RESTORE_ROLLED_BACK',
  stuck: 'RESTORE_STUCK',
};

/** Of a command that asked for an operation's end: 0 only where that is how it ended. */
export function exitStatusOfWanted(phase: OperationPhase, wanted: OperationPhase): number {
  return phase === wanted ? 0 : exitStatusOfPhase(phase) || exitStatusOfError('RESTORE_STEP_FAILED');
}

/** Of a command that followed an operation to `phase`: 0 only where the cluster is restored. */
export function exitStatusOfPhase(phase: OperationPhase): number {
  if (phase === 'finished' || phase === 'accepted') return 0;
  return exitStatusOfError(END_CODES[phase] ?? 'RESTORE_STEP_FAILED');
}
