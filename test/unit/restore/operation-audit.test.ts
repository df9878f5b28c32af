import { expect, test } from 'vitest';
import { auditEvent } from '../../../src/formats/audit-record.ts';
import type { JournalEntry } from '../../../src/formats/restore-journal.ts';
import { OperationAudit } from '../../../src/restore/operation-audit.ts';
import { OPERATION as operation, samplePlan } from '../../support/control-samples.ts';
import { sampleJournal } from './sample-journal.ts';

const at = '2026-11-23T15:00:00.000Z';
const epoch = { counter: 1, agent: 'h1' };

function opened(decided: Parameters<typeof samplePlan>[0] = {}): Extract<JournalEntry, { type: 'opened' }> {
  const plan = samplePlan(decided);
  return { type: 'opened', at, version: 1, operation, epoch, requestedBy: 'anna@h1', plan };
}

function eventsOf(...entries: JournalEntry[]): object[] {
  const first = opened();
  return new OperationAudit(first)
    .add([first, ...entries])
    .slice(1)
    .map(({ event }) => event);
}

test('the opening tells who ordered what, with which flags, and who was sworn to be dead', () => {
  const first = opened({
    decided: {
      discardCurrent: true,
      skipHashCheck: true,
      reason: 'the disk died',
      without: [{ agent: 'h4', urls: [] }],
    },
  });
  const [told] = new OperationAudit(first).add([first]);
  expect(told).toMatchObject({
    at,
    event: {
      event: 'operation-opened',
      planHash: first.plan.hash,
      requestedBy: 'anna@h1',
      coordinator: 'h1',
      reason: 'the disk died',
      without: ['h4'],
      accepting: ['--skip-hash-check', '--discard-current'],
    },
  });
  expect(auditEvent.safeParse(told?.event).success).toBe(true);
});

test('a restore that goes through tells its decision once, though its coordinator and its host both record it', () => {
  const [first, ...rest] = sampleJournal().flat();
  if (first?.type !== 'opened') throw new Error('the sample does not open an operation');
  const audit = new OperationAudit(first);
  const told = [first, ...rest].flatMap((entry) => audit.add([entry])).map(({ event }) => event);
  expect(told).toMatchObject([
    { event: 'operation-opened' },
    { event: 'operation-decided', slot: 'first', decision: 'commit', epoch },
  ]);
});

test('a takeover tells who ordered it and what was forced, and what is decided then bears its epoch', () => {
  const newer = { counter: 2, agent: 'h2' };
  const order = { outcome: 'abort', without: ['h1', 'h3'], reason: 'the rack burnt' } as const;
  expect(
    eventsOf(
      { type: 'coordinating', at, epoch },
      {
        type: 'coordinating',
        at,
        epoch: newer,
        order: { ...order, without: [...order.without] },
        requestedBy: 'bob@h2',
      },
      { type: 'decided', at, slot: 'first', decision: 'abort' },
    ),
  ).toEqual([
    { event: 'operation-taken-over', operation, epoch: newer, requestedBy: 'bob@h2', order },
    { event: 'operation-decided', operation, slot: 'first', decision: 'abort', epoch: newer },
  ]);
});

test('each way to end is told with its reason, first what is stuck and then what became of it', () => {
  const failure = { code: 'NO_SPACE', message: 'no room' };
  expect(
    eventsOf(
      { type: 'phase', at, phase: 'rolling-back' },
      { type: 'failure', at, failure },
      { type: 'operation', at, phase: 'stuck', failure },
      { type: 'phase', at, phase: 'rolled-back' },
    ),
  ).toEqual([
    { event: 'operation-ended', operation, outcome: 'stuck', failure },
    { event: 'operation-ended', operation, outcome: 'rolled-back', failure },
  ]);
  const cause = { code: 'PRE_STOP_FAILED', message: 'h3: it said no' };
  expect(eventsOf({ type: 'cause', at, failure: cause }, { type: 'phase', at, phase: 'aborted' })).toEqual([
    { event: 'operation-ended', operation, outcome: 'aborted', failure: cause },
  ]);
  expect(eventsOf({ type: 'cause', at, failure: cause }, { type: 'phase', at, phase: 'finished' })).toEqual([
    { event: 'operation-ended', operation, outcome: 'finished' },
  ]);
});

test('one that was stuck after it had ended, and ends so again, is told once more: the last word is how it ended', () => {
  const failure = { code: 'NO_SPACE', message: 'no room' };
  expect(
    eventsOf(
      { type: 'phase', at, phase: 'rolling-back' },
      { type: 'phase', at, phase: 'rolled-back' },
      { type: 'operation', at, phase: 'stuck', failure },
      { type: 'operation', at, phase: 'rolled-back', failure },
    ),
  ).toMatchObject([{ outcome: 'rolled-back' }, { outcome: 'stuck' }, { outcome: 'rolled-back' }]);
});

test('a command is told when it has ended, not when it is due or begins', () => {
  expect(
    eventsOf(
      { type: 'step', at, step: 'pre-stop', outcome: 'started' },
      { type: 'step', at, step: 'pre-stop', outcome: 'done' },
      { type: 'hook', at, after: 'aborted', outcome: 'due' },
      { type: 'hook', at, after: 'aborted', outcome: 'started' },
      { type: 'hook', at, after: 'aborted', outcome: 'failed', reason: 'exit status 4' },
    ),
  ).toEqual([
    { event: 'hook-ended', operation, hook: 'preStop', outcome: 'done' },
    {
      event: 'hook-ended',
      operation,
      hook: 'onFailure',
      after: 'aborted',
      outcome: 'failed',
      reason: 'exit status 4',
    },
  ]);
});
