import { describe, expect, test } from 'vitest';
import type { ParticipantPhase, TakeoverOrder } from '../../../src/formats/restore-journal.ts';
import type { ParticipantReport } from '../../../src/formats/restore-messages.ts';
import { moveCoordinator } from '../../../src/restore/coordinator.ts';
import {
  goalFor,
  openTakeover,
  type CoordinatorEvent,
  type CoordinatorState,
} from '../../../src/restore/coordinator-state.ts';
import { refusalOf } from '../../../src/restore/judge-request.ts';
import { nextCommands } from '../../../src/restore/next-commands.ts';
import { OPERATION, samplePlan } from '../../support/control-samples.ts';

const HOSTS = ['h1', 'h2', 'h3'];
const JOURNAL_ID = '00000000-0000-4000-8000-000000000001';
const first = { counter: 1, agent: 'h1' };
const second = { counter: 2, agent: 'h3' };
const epoch = { counter: 3, agent: 'h2' };

function opened(order?: TakeoverOrder): CoordinatorState {
  const hosts = HOSTS.map((agent) => ({ agent, journalId: JOURNAL_ID }));
  return openTakeover({ hosts }, epoch, 30_000, order);
}

function report(
  agent: string,
  phase: ParticipantPhase,
  more: Partial<ParticipantReport> = {},
): CoordinatorEvent {
  return {
    type: 'report',
    report: {
      ...{ operation: OPERATION, agent, journalId: JOURNAL_ID, version: 1 },
      ...{ epoch, phase, votes: {}, decided: {}, ...more },
    },
  };
}

function told(state: CoordinatorState, ...events: CoordinatorEvent[]): CoordinatorState {
  return events.reduce((before, event) => moveCoordinator(before, event).state, state);
}

function standing(state: CoordinatorState): string {
  const { phase, ballot } = state;
  const vote =
    ballot === undefined ? 'no ballot' : `${ballot.decided ? 'decided' : 'proposed'} ${ballot.decision}`;
  return `${phase}: ${vote}`;
}

describe('a coordinator that took over', () => {
  test('does nothing before a majority follows it', () => {
    const state = told(opened(), report('h2', 'stopped'), report('h1', 'stopped', { epoch: first }));
    expect(standing(state)).toBe('taking-over: no ballot');
    expect(HOSTS.map((agent) => goalFor(state, agent))).toEqual(['wait', 'wait', 'wait']);
  });

  test('goes back without a host that is dead, when the operator says so', () => {
    const back = { decided: { first: 'commit', second: 'rollback' } } as const;
    const waiting = told(
      opened(),
      report('h2', 'rollback-stopped', back),
      report('h3', 'rollback-stopped', back),
      { type: 'silent', agent: 'h1', atMs: 0 },
    );
    expect(standing(waiting)).toBe('rolling-back: decided rollback');
    expect(goalFor(waiting, 'h2')).toBe('rollback-stop');
    const order = { kind: 'rollback', without: ['h1'] } as const;
    expect(nextCommands({ phase: waiting.phase, plan: samplePlan(), coordinator: waiting })).toContain(
      `lifeboat restore rollback ${samplePlan().decided.operation} --without h1`,
    );
    expect(refusalOf(waiting, { kind: 'rollback', without: [] })).toBe('rollback is decided on already');
    const { state, effects } = moveCoordinator(waiting, { type: 'requested', by: 'root', ...order });
    expect(goalFor(state, 'h2')).toBe('rollback');
    expect(effects).toMatchObject([{ type: 'record-phase', phase: 'rolling-back', without: ['h1'] }]);
    const ended = told(state, report('h2', 'rolled-back', back), report('h3', 'rolled-back', back));
    expect(ended.phase).toBe('rolled-back');
  });

  test('does not believe a host that was reimaged', () => {
    const stranger = report('h1', 'stopped', { journalId: '00000000-0000-4000-8000-000000000002' });
    expect(standing(told(opened(), report('h2', 'stopped'), stranger))).toBe('taking-over: no ballot');
  });

  test('undoes an operation of which nothing can have been decided', () => {
    const state = told(opened(), report('h2', 'stopped'), report('h3', 'preparing'));
    expect(standing(state)).toBe('aborting: proposed abort');
  });

  test('goes on with a commit that one host voted for: the silent one may have been the second', () => {
    const vote = { decision: 'commit', epoch: first } as const;
    const state = told(
      opened(),
      report('h2', 'stopped', { votes: { first: vote } }),
      report('h3', 'stopped'),
    );
    expect(standing(state)).toBe('stopped: proposed commit');
    expect(goalFor(state, 'h3')).toBe('confirm');
  });

  test('goes on with the vote of the highest epoch', () => {
    const older = { decision: 'commit', epoch: first } as const;
    const newer = { decision: 'abort', epoch: second } as const;
    const state = told(
      opened(),
      report('h2', 'stopped', { votes: { first: older } }),
      report('h3', 'stopped', { votes: { first: newer } }),
    );
    expect(standing(state)).toBe('aborting: proposed abort');
  });

  test('needs no votes for what a host acted on already', () => {
    const committed = report('h3', 'started', { decided: { first: 'commit' } });
    expect(standing(told(opened(), report('h2', 'stopped'), committed))).toBe('committing: decided commit');
    const accepted = report('h3', 'finished', { decided: { first: 'commit', second: 'accepted' } });
    expect(standing(told(opened(), report('h2', 'started'), accepted))).toBe('accepted: decided accepted');
    const back = report('h3', 'rolled-back', { decided: { first: 'commit', second: 'rollback' } });
    expect(standing(told(opened(), report('h2', 'started'), back))).toBe('rolling-back: decided rollback');
  });

  test('counts votes for itself only', () => {
    const vote = { decision: 'commit', epoch: first } as const;
    const state = told(
      opened(),
      ...HOSTS.map((agent) => report(agent, 'confirmed', { votes: { first: vote } })),
    );
    expect(standing(state)).toBe('stopped: proposed commit');
    const mine = { decision: 'commit', epoch } as const;
    const voted = told(
      state,
      ...['h1', 'h2'].map((agent) => report(agent, 'confirmed', { votes: { first: mine } })),
    );
    expect(standing(voted)).toBe('committing: decided commit');
  });

  test('is silent once a host follows a newer one', () => {
    const state = told(
      opened(),
      { type: 'deposed', by: 'h3' },
      report('h2', 'stopped'),
      report('h3', 'stopped'),
    );
    expect(standing(state)).toBe('taking-over: no ballot');
    expect(refusalOf(state, { kind: 'abort', without: [] })).toBe('h3 drives it now');
  });
});

describe('without a majority', () => {
  const without = ['h1', 'h3'];

  test('the hosts that are left do what was typed', () => {
    const abort = told(opened({ without, outcome: 'abort' }), report('h2', 'stopped'));
    expect(standing(abort)).toBe('aborting: proposed abort');
    const vote = { decision: 'abort', epoch } as const;
    expect(standing(told(abort, report('h2', 'stopped', { votes: { first: vote } })))).toBe(
      'aborting: decided abort',
    );
    const commit = told(opened({ without, outcome: 'commit' }), report('h2', 'stopped'));
    expect(standing(commit)).toBe('stopped: proposed commit');
  });

  test('what one of them acted on is not undone by what was typed', () => {
    const committed = report('h2', 'started', { decided: { first: 'commit' } });
    expect(standing(told(opened({ without, outcome: 'abort' }), committed))).toBe(
      'verifying: decided commit',
    );
  });

  test('no commit is forced while an old etcd may run', () => {
    const state = told(opened({ without, outcome: 'commit' }), report('h2', 'prepared'));
    expect(state.phase).toBe('stuck');
    expect(state.failure?.message).toContain('h2 is prepared: no commit can be forced');
  });
});

describe('an operator', () => {
  const asked = (kind: 'accept' | 'rollback', without: readonly string[] = []): CoordinatorEvent => ({
    ...{ type: 'requested', kind, by: 'root', without },
  });
  const waiting = (): CoordinatorState =>
    told(
      opened(),
      report('h2', 'started', { decided: { first: 'commit' } }),
      report('h1', 'started', { decided: { first: 'commit' } }),
      { type: 'silent', agent: 'h3', atMs: 0 },
    );

  test('accepts without a host that is missing: the others go through the gate', () => {
    const move = moveCoordinator(waiting(), asked('accept', ['h3']));
    expect(move.state.phase).toBe('verifying');
    expect(move.effects.at(-1)).toEqual({ type: 'run-gate' });
    expect(move.effects[0]).toMatchObject({ type: 'record-phase', without: ['h3'], operatorAccepts: true });
  });

  test('cannot accept what no majority would serve', () => {
    expect(refusalOf(waiting(), { kind: 'accept', without: ['h1', 'h3'] })).toContain(
      '1 of 3 hosts are left',
    );
  });

  test('whose accepted cluster fails the gate is asked again, and nothing goes back by itself', () => {
    const failure = { code: 'TIMED_OUT', message: 'h1: no leader' };
    const state = told(waiting(), asked('accept', ['h3']), { type: 'gate-failed', failure });
    expect(state).toMatchObject({ phase: 'stuck', failure: { message: 'h1: no leader' } });
    expect(refusalOf(state, { kind: 'rollback', without: [] })).toBeUndefined();
  });

  test('goes back without a host that is missing', () => {
    const state = told(waiting(), asked('rollback', ['h3']));
    expect(standing(state)).toBe('rolling-back: proposed rollback');
    const voted = {
      votes: { second: { decision: 'rollback', epoch } },
      decided: { first: 'commit' },
    } as const;
    const stopped = told(state, report('h1', 'started', voted), report('h2', 'started', voted));
    expect(goalFor(stopped, 'h1')).toBe('rollback-stop');
    const both = told(
      stopped,
      report('h1', 'rollback-stopped', voted),
      report('h2', 'rollback-stopped', voted),
    );
    expect(goalFor(both, 'h1')).toBe('rollback');
    expect(told(both, report('h1', 'rolled-back', voted), report('h2', 'rolled-back', voted)).phase).toBe(
      'rolled-back',
    );
  });

  test('names no host that has no part in it', () => {
    expect(refusalOf(waiting(), { kind: 'rollback', without: ['h9'] })).toContain('h9 takes no part in it');
  });
});
