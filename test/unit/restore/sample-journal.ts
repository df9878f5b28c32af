import type { JournalEntry } from '../../../src/formats/restore-journal.ts';
import { OPERATION, samplePlan } from '../../support/control-samples.ts';

const at = '2026-11-23T15:00:00.000Z';

/** What a coordinator's host appends in a restore that goes through, append by append. */
export function sampleJournal(): JournalEntry[][] {
  const epoch = { counter: 1, agent: 'h1' };
  const plan = samplePlan();
  return [
    [
      { type: 'opened', at, version: 1, operation: OPERATION, epoch, requestedBy: 'root', plan },
      { type: 'coordinating', at, epoch },
    ],
    [{ type: 'step', at, step: 'stage', outcome: 'done' }],
    [{ type: 'phase', at, phase: 'prepared' }],
    [{ type: 'operation', at, phase: 'prepared' }],
    [{ type: 'operation', at, phase: 'stopping' }],
    [{ type: 'phase', at, phase: 'stopping' }],
    [{ type: 'step', at, step: 'stop', outcome: 'started' }],
    [{ type: 'step', at, step: 'stop', outcome: 'done' }],
    [{ type: 'phase', at, phase: 'stopped' }],
    [{ type: 'operation', at, phase: 'stopped' }],
    [{ type: 'phase', at, phase: 'confirming' }],
    [{ type: 'phase', at, phase: 'confirmed' }],
    [{ type: 'proposed', at, slot: 'first', decision: 'commit', epoch }],
    [{ type: 'vote', at, slot: 'first', decision: 'commit', epoch }],
    [
      { type: 'decided', at, slot: 'first', decision: 'commit' },
      { type: 'operation', at, phase: 'committing' },
    ],
    [
      { type: 'decided', at, slot: 'first', decision: 'commit' },
      { type: 'phase', at, phase: 'committing' },
    ],
    [{ type: 'phase', at, phase: 'started' }],
    [{ type: 'operation', at, phase: 'verifying' }],
  ];
}
