import { describe, expect, test } from 'vitest';
import { participantPhase, type ParticipantPhase } from '../../../src/formats/restore-journal.ts';
import type { Goal } from '../../../src/formats/restore-messages.ts';
import {
  moveParticipant,
  openLateParticipant,
  openParticipant,
  type ParticipantEvent,
  type ParticipantState,
} from '../../../src/restore/participant.ts';
import { isUndecided, isWorking } from '../../../src/restore/phases.ts';

const epoch = { counter: 1, agent: 'h1' };
const failure = { code: 'NO_SPACE', message: 'no room' };

const GOALS = [
  ...['wait', 'prepare', 'stop', 'confirm', 'vote-commit', 'vote-abort', 'commit'],
  ...['vote-accepted', 'vote-rollback', 'finish', 'abort', 'rollback-stop', 'rollback'],
] as Goal[];

function inPhase(phase: ParticipantPhase, changes: Partial<ParticipantState> = {}): ParticipantState {
  const working = isWorking(phase);
  return { phase, epoch, votes: {}, decided: {}, working, failedTries: 0, resumed: false, ...changes };
}

function advanced(state: ParticipantState, goal: Goal): ParticipantState {
  return moveParticipant(state, { type: 'advance', goal, epoch }).state;
}

/** What a goal does in a phase, in a word or two; nothing where it does nothing. */
function effectOf(phase: ParticipantPhase, goal: Goal): string | undefined {
  const before = inPhase(phase);
  const { state, effects } = moveParticipant(before, { type: 'advance', goal, epoch });
  if (effects.length === 0) return undefined;
  const votes = effects.flatMap((effect) => (effect.type === 'record-vote' ? [effect.decision] : []));
  return votes[0] === undefined ? state.phase : `votes ${votes[0]}`;
}

test('each goal moves a host from the phases where it makes sense, and from no other', () => {
  const table = Object.fromEntries(
    GOALS.map((goal) => [
      goal,
      Object.fromEntries(
        participantPhase.options.flatMap((phase) => {
          const effect = effectOf(phase, goal);
          return effect === undefined ? [] : [[phase, effect]];
        }),
      ),
    ]),
  );
  const undecided = participantPhase.options.filter(isUndecided);
  const stopped = ['stopped', 'confirming', 'confirmed'];
  const each = (phases: readonly string[], effect: string) =>
    Object.fromEntries(phases.map((phase) => [phase, effect]));
  expect(table).toEqual({
    wait: {},
    prepare: {},
    stop: { prepared: 'stopping' },
    confirm: { stopped: 'confirming' },
    'vote-commit': { confirmed: 'votes commit' },
    'vote-abort': each(undecided, 'votes abort'),
    commit: { confirmed: 'committing' },
    'vote-accepted': { started: 'votes accepted' },
    'vote-rollback': each([...stopped, 'committing', 'started'], 'votes rollback'),
    // One that missed the commit goes through it first.
    finish: { ...each(stopped, 'committing'), started: 'finishing' },
    abort: each(undecided, 'aborting'),
    'rollback-stop': each([...stopped, 'committing', 'started'], 'rollback-stopping'),
    rollback: { 'rollback-stopped': 'rolling-back' },
  });
});

describe('a vote', () => {
  test.each([
    ['confirmed', 'vote-commit', 'vote-abort', { first: { decision: 'commit', epoch } }],
    ['confirmed', 'vote-abort', 'vote-commit', { first: { decision: 'abort', epoch } }],
    ['started', 'vote-accepted', 'vote-rollback', { second: { decision: 'accepted', epoch } }],
    ['started', 'vote-rollback', 'vote-accepted', { second: { decision: 'rollback', epoch } }],
  ] as const)('given in %s for %s is not given again, nor for %s', (phase, goal, opposite, votes) => {
    const voted = advanced(inPhase(phase), goal);
    expect(voted.votes).toEqual(votes);
    for (const again of [goal, opposite]) {
      const move = moveParticipant(voted, { type: 'advance', goal: again, epoch });
      expect(move.effects).toEqual([]);
      expect(move.state.votes).toEqual(votes);
    }
  });

  test('is given anew to a coordinator that took over', () => {
    const voted = advanced(inPhase('confirmed'), 'vote-commit');
    const newer = { counter: 2, agent: 'h2' };
    const promised = moveParticipant(voted, { type: 'promise', epoch: newer }).state;
    expect(promised.votes).toEqual({ first: { decision: 'commit', epoch } });
    const again = moveParticipant(promised, { type: 'advance', goal: 'vote-abort', epoch: newer }).state;
    expect(again.votes).toEqual({ first: { decision: 'abort', epoch: newer } });
  });

  test('is not given by a host that failed, but for an abort', () => {
    expect(advanced(inPhase('confirmed', { failure }), 'vote-commit').votes).toEqual({});
    expect(advanced(inPhase('preparing', { failure }), 'vote-abort').votes).toEqual({
      first: { decision: 'abort', epoch },
    });
  });
});

describe('work', () => {
  test('begins with the journal: the decision, then the end of what runs, then the phase, then the act', () => {
    const { effects } = moveParticipant(inPhase('stopping'), { type: 'advance', goal: 'abort', epoch });
    expect(effects.map(({ type }) => type)).toEqual(['record-decided', 'interrupt', 'record-phase', 'work']);
  });

  test('that ended in another phase than the host is in now says nothing', () => {
    const state = inPhase('aborting');
    for (const event of [
      { type: 'work-done', phase: 'stopping' },
      { type: 'work-failed', phase: 'stopping', failure },
    ] satisfies ParticipantEvent[]) {
      expect(moveParticipant(state, event)).toEqual({ state, effects: [] });
    }
  });

  test('that leads out of the operation is tried three times before it needs a person', () => {
    let state = inPhase('aborting');
    for (const tries of [1, 2]) {
      state = moveParticipant(state, { type: 'work-failed', phase: 'aborting', failure }).state;
      expect(state).toMatchObject({ working: false, failedTries: tries });
      expect(state.failure).toBeUndefined();
      state = advanced(state, 'abort');
      expect(state.working).toBe(true);
    }
    const last = moveParticipant(state, { type: 'work-failed', phase: 'aborting', failure });
    expect(last.state.failure).toEqual(failure);
    expect(last.effects).toEqual([{ type: 'record-failure', failure }]);
    expect(advanced(last.state, 'abort')).toEqual(last.state);
  });

  test('before the decision fails at once', () => {
    const { state } = moveParticipant(inPhase('preparing'), {
      type: 'work-failed',
      phase: 'preparing',
      failure,
    });
    expect(state).toMatchObject({ phase: 'preparing', working: false, failure });
  });
});

describe('after a restart of the agent', () => {
  test('nothing is done before somebody says how the operation stands', () => {
    for (const phase of participantPhase.options) {
      const { state, effects } = moveParticipant(inPhase(phase), { type: 'resumed' });
      const seenStopped = phase === 'confirming' || phase === 'confirmed';
      expect(state).toMatchObject({
        phase: seenStopped ? 'stopped' : phase,
        working: false,
        resumed: true,
      });
      expect(effects.filter(({ type }) => type === 'work')).toEqual([]);
    }
  });

  test('work before the decision has failed, however often the agent restarts', () => {
    const once = moveParticipant(inPhase('stopping'), { type: 'resumed' }).state;
    expect(once.failure?.message).toContain('restarted while it was stopping');
    expect(moveParticipant(once, { type: 'resumed' }).state.failure).toEqual(once.failure);
  });

  test('a commit goes on when it is asked for again, and a started host is started again', () => {
    for (const phase of ['committing', 'started'] as const) {
      const resumed = moveParticipant(inPhase(phase), { type: 'resumed' }).state;
      expect(advanced(resumed, 'commit')).toMatchObject({ phase: 'committing', working: true });
    }
    expect(advanced(inPhase('started'), 'commit')).toEqual(inPhase('started'));
  });

  test('what kept the host from going back is tried again', () => {
    const resumed = moveParticipant(inPhase('rolling-back', { failure }), { type: 'resumed' }).state;
    expect(advanced(resumed, 'rollback')).toMatchObject({ phase: 'rolling-back', working: true });
  });
});

describe('a new coordinator', () => {
  const newer = { counter: 2, agent: 'h2' };

  test('is followed only when what the older one asked for has ended', () => {
    const { state, effects } = moveParticipant(inPhase('committing'), { type: 'promise', epoch: newer });
    expect(effects.map(({ type }) => type)).toEqual(['interrupt', 'record-promised']);
    expect(state).toMatchObject({ phase: 'committing', epoch: newer, working: false, resumed: true });
  });

  test('finds the barrier void: etcd has to be seen stopped again', () => {
    const { state, effects } = moveParticipant(inPhase('confirmed'), { type: 'promise', epoch: newer });
    expect(state.phase).toBe('stopped');
    expect(effects).toContainEqual({ type: 'record-phase', phase: 'stopped' });
  });

  test('is the only one that is obeyed from then on', () => {
    const followed = moveParticipant(inPhase('stopped'), { type: 'promise', epoch: newer }).state;
    expect(advanced(followed, 'abort')).toEqual(followed);
    expect(moveParticipant(followed, { type: 'promise', epoch }).effects).toEqual([]);
    expect(moveParticipant(followed, { type: 'advance', goal: 'abort', epoch: newer }).state.phase).toBe(
      'aborting',
    );
  });

  test('is obeyed in nothing before it is followed', () => {
    const state = inPhase('stopped');
    expect(moveParticipant(state, { type: 'advance', goal: 'abort', epoch: newer }).effects).toEqual([]);
  });

  test('finds a host that never heard of the operation with nothing to undo', () => {
    const { state, effects } = openLateParticipant(newer);
    expect(state).toMatchObject({ phase: 'preparing', working: false, epoch: newer });
    expect(effects.map(({ type }) => type)).toEqual(['record-failure']);
    expect(moveParticipant(state, { type: 'advance', goal: 'abort', epoch: newer }).state.phase).toBe(
      'aborting',
    );
  });
});

test('a host that was asked to prepare prepares', () => {
  expect(openParticipant(epoch)).toMatchObject({
    state: { phase: 'preparing', working: true },
    effects: [{ type: 'work', phase: 'preparing' }],
  });
});
