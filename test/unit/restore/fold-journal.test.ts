import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JournalEntry } from '../../../src/formats/restore-journal.ts';
import type { Goal } from '../../../src/formats/restore-messages.ts';
import { moveCoordinator } from '../../../src/restore/coordinator.ts';
import { goalFor, openCoordinator } from '../../../src/restore/coordinator-state.ts';
import { coordinatorEntries, participantEntries } from '../../../src/restore/effect-entries.ts';
import { foldJournal } from '../../../src/restore/fold-journal.ts';
import {
  moveParticipant,
  openParticipant,
  type ParticipantEvent,
  type ParticipantState,
} from '../../../src/restore/participant.ts';
import { isWorking } from '../../../src/restore/phases.ts';
import { samplePlan } from '../../support/control-samples.ts';
import { sampleJournal } from './sample-journal.ts';

const AT = '2026-11-23T15:00:00.000Z';
const GRACE_MS = 30_000;
const epoch = { counter: 1, agent: 'h1' };
const opening = sampleJournal()[0] ?? [];

const goals: Goal[] = [
  ...(['stop', 'confirm', 'vote-commit', 'vote-abort', 'commit', 'vote-accepted'] as const),
  ...(['vote-rollback', 'finish', 'abort', 'rollback-stop', 'rollback'] as const),
];

test('after any events, the journal says of the host what its memory says', () => {
  const events = fc.array(
    fc.oneof(
      fc.constantFrom(...goals).map((goal) => ({ type: 'advance', goal }) as const),
      fc.integer({ min: 1, max: 4 }).map((counter) => ({ type: 'promise', counter }) as const),
      fc.constant({ type: 'work-done' } as const),
      fc.constant({ type: 'work-failed' } as const),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(events, (happened) => {
      let { state } = openParticipant(epoch);
      const entries: JournalEntry[] = [...opening];
      for (const event of happened) {
        const move = moveParticipant(state, asEvent(event, state));
        entries.push(...participantEntries(move.effects, move.state.epoch, AT));
        state = move.state;
        const folded = foldJournal(entries, GRACE_MS).participant;
        const { phase, votes, decided, failure } = folded;
        expect({ epoch: folded.epoch, phase, votes, decided, failure }).toEqual({
          epoch: state.epoch,
          phase: state.phase,
          votes: state.votes,
          decided: state.decided,
          failure: state.failure,
        });
      }
    }),
  );
});

type Happened =
  | { type: 'advance'; goal: Goal }
  | { type: 'promise'; counter: number }
  | { type: 'work-done' }
  | { type: 'work-failed' };

function asEvent(event: Happened, { phase, epoch: followed }: ParticipantState): ParticipantEvent {
  if (event.type === 'advance') return { ...event, epoch: followed };
  if (event.type === 'promise') return { type: 'promise', epoch: { counter: event.counter, agent: 'h2' } };
  const failure = { code: 'NO_SPACE', message: 'no room' };
  if (!isWorking(phase)) return { type: 'advance', goal: 'prepare', epoch: followed };
  return event.type === 'work-done' ? { ...event, phase } : { ...event, phase, failure };
}

test('a coordinator that comes back asks for what it asked for, or for the abort', () => {
  let state = openCoordinator({ hosts: [{ agent: 'h1', journalId: base.journalId }] }, epoch, GRACE_MS);
  const entries: JournalEntry[] = [...opening];
  const happened = [
    ...[{ phase: 'prepared' }, 'guard', { phase: 'stopped' }, 'guard', { phase: 'confirmed' }],
    ...[
      { phase: 'confirmed', votes: { first: { decision: 'commit', epoch } } },
      { phase: 'started', votes: { first: { decision: 'commit', epoch } } },
    ],
  ] as const;
  for (const report of happened) {
    const stage = state.phase === 'prepared' ? 'before-stop' : 'before-decision';
    const move = moveCoordinator(
      state,
      report === 'guard'
        ? { type: 'guard-passed', stage }
        : { type: 'report', report: { ...base, epoch, votes: {}, decided: {}, ...report } },
    );
    entries.push(...coordinatorEntries(move.effects, epoch, AT));
    state = move.state;
    const folded = foldJournal(entries, GRACE_MS).coordinator;
    expect(folded).toMatchObject({ phase: state.phase, ...(state.ballot && { ballot: state.ballot }) });
    // Reports are not in the journal: they come again with the first answers.
    expect(folded && goalFor({ ...folded, reports: state.reports }, 'h1')).toBe(goalFor(state, 'h1'));
  }
  expect(state.phase).toBe('verifying');
});

const base = {
  operation: '20261123T150000Z-a1b2c3',
  agent: 'h1',
  journalId: '00000000-0000-4000-8000-000000000001',
  version: 1,
};

test('a sample journal tells everything that was recorded', () => {
  const folded = foldJournal(sampleJournal().flat(), GRACE_MS);
  expect(folded).toMatchObject({
    plan: samplePlan(),
    requestedBy: 'root',
    openedAt: AT,
    stopAskedAtMs: Date.parse(AT),
    participant: {
      phase: 'started',
      votes: { first: { decision: 'commit', epoch } },
      decided: { first: 'commit' },
    },
    coordinator: { phase: 'verifying', ballot: { slot: 'first', decision: 'commit', decided: true } },
  });
  expect([...folded.doneSteps]).toEqual(['preparing/stage', 'stopping/stop']);
  expect(folded.endedAt).toBeUndefined();
});

test('a journal without a plan is damaged', () => {
  expect(() => foldJournal([{ type: 'coordinating', at: AT, epoch }], GRACE_MS)).toThrow(
    expect.objectContaining({ code: 'JOURNAL_DAMAGED' }),
  );
});
