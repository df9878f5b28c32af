import { expect, test } from 'vitest';
import type { JournalEntry, ParticipantPhase } from '../../../src/formats/restore-journal.ts';
import { dueHooks, foldHooks, isToRun, type HookRecord } from '../../../src/restore/hook-record.ts';

const at = '2026-11-23T15:00:00.000Z';
const failure = { code: 'NO_SPACE', message: 'no room' };
const configured = { preStop: 1, postRestore: 1, onFailure: 1 };

function due(entries: readonly JournalEntry[], phase: ParticipantPhase, records: readonly HookRecord[] = []) {
  return dueHooks(entries, { phase, records, configured, cause: undefined });
}

test.each<[JournalEntry, ParticipantPhase, string]>([
  [{ type: 'phase', at, phase: 'finished' }, 'finishing', 'finished'],
  [{ type: 'phase', at, phase: 'aborted' }, 'aborting', 'aborted'],
  [{ type: 'phase', at, phase: 'rolled-back' }, 'rolling-back', 'rolled-back'],
  [{ type: 'failure', at, failure }, 'rolling-back', 'stuck'],
  [{ type: 'operation', at, phase: 'stuck', failure }, 'started', 'stuck'],
])('a command falls due with each end: %o', (entry, phase, after) => {
  expect(due([entry], phase)).toMatchObject([{ type: 'hook', outcome: 'due', after }]);
});

test.each<[JournalEntry, ParticipantPhase]>([
  [{ type: 'phase', at, phase: 'aborting' }, 'prepared'],
  // The coordinator's host ends by its own part; only that it gets no further is said of the whole.
  [{ type: 'operation', at, phase: 'aborted' }, 'aborting'],
  // The abort or the rollback that follows is the end.
  [{ type: 'failure', at, failure }, 'committing'],
])('nothing falls due before an end: %o', (entry, phase) => {
  expect(due([entry], phase)).toEqual([]);
});

test('a command that is not configured does not fall due', () => {
  const standing = {
    phase: 'aborting',
    records: [],
    cause: undefined,
    configured: { postRestore: 1 },
  } as const;
  expect(dueHooks([{ type: 'phase', at, phase: 'aborted' }], standing)).toEqual([]);
});

test('a host that hears twice that it is stuck calls once, and once more when it is back', () => {
  const stuck: JournalEntry = { type: 'failure', at, failure };
  const first = due([stuck], 'rolling-back');
  const records = first.reduce(foldHooks, []);
  expect(due([{ type: 'operation', at, phase: 'stuck' }], 'rolling-back', records)).toEqual([]);
  expect(due([stuck, stuck], 'rolling-back')).toHaveLength(1);
  expect(due([{ type: 'phase', at, phase: 'rolled-back' }], 'rolling-back', records)).toHaveLength(1);
});

test('why it did not go through is what the coordinator says, else what this host saw', () => {
  const entry: JournalEntry = { type: 'failure', at, failure };
  expect(due([entry], 'aborting')).toMatchObject([{ cause: failure }]);
  const cause = { code: 'PRE_STOP_FAILED', message: 'h3: pre-stop: it said no' };
  const [told] = dueHooks([entry], { phase: 'aborting', records: [], configured, cause });
  expect(told?.cause).toEqual(cause);
  expect(due([{ type: 'phase', at, phase: 'finished' }], 'finishing')[0]).not.toHaveProperty('cause');
});

test('two ends of one operation are two commands, each with its own tries and outcome', () => {
  const entries: JournalEntry[] = [
    { type: 'step', at, step: 'pre-stop', outcome: 'started' },
    { type: 'step', at, step: 'pre-stop', outcome: 'done' },
    { type: 'hook', at, after: 'stuck', outcome: 'due', cause: failure },
    { type: 'hook', at, after: 'stuck', outcome: 'started' },
    { type: 'hook', at, after: 'rolled-back', outcome: 'due' },
    { type: 'hook', at, after: 'stuck', outcome: 'started' },
    { type: 'hook', at, after: 'stuck', outcome: 'failed', reason: 'no route' },
  ];
  const records = entries.reduce(foldHooks, []);
  expect(records).toEqual([
    { hook: 'preStop', state: 'done', tries: 1 },
    { hook: 'onFailure', after: 'stuck', state: 'failed', tries: 2, reason: 'no route', cause: failure },
    { hook: 'onFailure', after: 'rolled-back', state: 'due', tries: 0 },
  ]);
  expect(records.filter(isToRun)).toMatchObject([{ after: 'rolled-back' }]);
});
