import { expect, test } from 'vitest';
import { exitStatusOfError, exitStatusOfPhase } from '../../../src/cli/exit-status.ts';
import { operationPhase } from '../../../src/formats/restore-journal.ts';

test('each way in which an operation ends has its exit status, and one that has not ended is no success', () => {
  const statuses = Object.fromEntries(
    operationPhase.options.map((phase) => [phase, exitStatusOfPhase(phase)]),
  );

  expect(statuses).toEqual({
    ...{ 'taking-over': 1, preparing: 1, prepared: 1, stopping: 1, stopped: 1, committing: 1, verifying: 1 },
    ...{ aborting: 1, 'rolling-back': 1 },
    ...{ accepted: 0, finished: 0, 'rolled-back': 4, stuck: 5, aborted: 7 },
  });
});

test('the kinds of failure that a script tells apart have different exit statuses', () => {
  const codes = [
    ...(['INTERNAL', 'USAGE', 'GUARD_QUORUM_ALIVE', 'RESTORE_ROLLED_BACK'] as const),
    ...(['RESTORE_STUCK', 'AGENT_UNREACHABLE', 'RESTORE_ABORTED'] as const),
  ];

  expect(codes.map(exitStatusOfError)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});
