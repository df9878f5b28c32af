import { describe, expect, test } from 'vitest';
import type { ParticipantPhase } from '../../../src/formats/restore-journal.ts';
import type { ParticipantReport } from '../../../src/formats/restore-messages.ts';
import { moveCoordinator } from '../../../src/restore/coordinator.ts';
import {
  goalFor,
  openCoordinator,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
} from '../../../src/restore/coordinator-state.ts';
import { OPERATION } from '../../support/control-samples.ts';

const HOSTS = ['h1', 'h2', 'h3'];
const GRACE_MS = 30_000;
const JOURNAL_ID = '00000000-0000-4000-8000-000000000001';
const epoch = { counter: 1, agent: 'h1' };
const failure = { code: 'NO_SPACE', message: 'no room' };

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

/** A coordinator that was told things, and what it did about the last of them. */
class Told {
  state: CoordinatorState = openCoordinator(
    { hosts: HOSTS.map((agent) => ({ agent, journalId: JOURNAL_ID })) },
    epoch,
    GRACE_MS,
  );
  effects: readonly CoordinatorEffect[] = [];

  tell(...events: CoordinatorEvent[]): this {
    for (const event of events) {
      const move = moveCoordinator(this.state, event);
      this.state = move.state;
      this.effects = move.effects;
    }
    return this;
  }

  all(phase: ParticipantPhase, more: Partial<ParticipantReport> = {}): this {
    return this.tell(...HOSTS.map((agent) => report(agent, phase, more)));
  }

  get now(): string {
    return `${this.state.phase}: ${goalFor(this.state, 'h1') ?? 'nothing'}`;
  }
}

const commit = { decision: 'commit', epoch } as const;
const abort = { decision: 'abort', epoch } as const;
const committed = { votes: { first: commit } };
const abortAsked = { type: 'requested', kind: 'abort', by: 'root', without: [] } as const;

function prepared(): Told {
  return new Told().all('prepared');
}
function stopping(): Told {
  return prepared().tell({ type: 'guard-passed', stage: 'before-stop' });
}
function proposed(): Told {
  return stopping().all('stopped').tell({ type: 'guard-passed', stage: 'before-decision' }).all('confirmed');
}
function verifying(): Told {
  return proposed().all('confirmed', committed).all('started', committed);
}

test('a restore that goes well walks through its phases, one barrier after the other', () => {
  const told = new Told();
  const seen = [told.now];
  const then = (step: Told): void => {
    seen.push(step.now);
  };
  then(told.all('prepared'));
  then(told.tell({ type: 'guard-passed', stage: 'before-stop' }));
  then(told.all('stopped'));
  then(told.all('confirmed').tell({ type: 'guard-passed', stage: 'before-decision' }));
  then(told.tell(report('h1', 'confirmed', committed)));
  then(told.tell(report('h2', 'confirmed', committed)));
  then(told.all('started', committed));
  then(told.tell({ type: 'gate-passed' }));
  then(told.all('started', { votes: { first: commit, second: { decision: 'accepted', epoch } } }));
  then(told.all('finished'));
  expect(seen).toEqual([
    'preparing: prepare',
    'prepared: prepare',
    'stopping: stop',
    'stopped: confirm',
    'stopped: vote-commit',
    'stopped: vote-commit',
    'committing: commit',
    'verifying: commit',
    'verifying: vote-accepted',
    'accepted: finish',
    'finished: nothing',
  ]);
});

test('a decision is written down before the phase that follows from it', () => {
  const told = proposed().tell(report('h1', 'confirmed', committed), report('h2', 'confirmed', committed));
  expect(told.effects.map(({ type }) => type)).toEqual(['record-decided', 'record-phase']);
});

describe('before the decision', () => {
  const places = [
    ['preparing', () => new Told()],
    ['prepared', prepared],
    ['stopping', stopping],
    ['stopped', () => stopping().all('stopped')],
  ] as const;
  const troubles: (readonly [string, (told: Told) => Told])[] = [
    ['a host that failed', (told) => told.tell(report('h2', 'preparing', { failure }))],
    ['a guard that does not hold any more', (told) => told.tell({ type: 'guard-failed', failure })],
    ['the wish of an operator', (told) => told.tell(abortAsked)],
    ['a host that will not take part', (told) => told.tell({ type: 'refused', agent: 'h2', failure })],
    ['a restart of the coordinator', (told) => told.tell({ type: 'resumed' })],
    [
      'a host that is silent for longer than the grace',
      (told) => told.tell({ type: 'silent', agent: 'h2', atMs: 0 }, { type: 'tick', atMs: GRACE_MS }),
    ],
  ];
  const cases = places.flatMap(([phase, at]) =>
    troubles.map(([what, strike]) => ({ phase, what, at, strike })),
  );

  test.each(cases)('$what while $phase aborts, when a majority has it', ({ at, strike }) => {
    const told = strike(at());
    expect(told.now).toBe('aborting: vote-abort');
    expect(told.state.failure).toBeDefined();
    told.tell(report('h1', 'stopped', { votes: { first: abort } }));
    told.tell(report('h3', 'stopped', { votes: { first: abort } }));
    expect(told.now).toBe('aborting: abort');
    expect(told.all('aborted').now).toBe('aborted: nothing');
  });

  test('a host that comes back within the grace is not missed', () => {
    const told = new Told().tell(
      { type: 'silent', agent: 'h2', atMs: 0 },
      report('h2', 'preparing'),
      { type: 'silent', agent: 'h2', atMs: GRACE_MS },
      { type: 'tick', atMs: GRACE_MS + 1 },
    );
    expect(told.now).toBe('preparing: prepare');
  });
});

describe('from the proposal of the commit on', () => {
  test('nobody can abort any more', () => {
    const told = proposed().tell(
      abortAsked,
      { type: 'guard-failed', failure },
      { type: 'silent', agent: 'h2', atMs: 0 },
      { type: 'tick', atMs: 10 * GRACE_MS },
      { type: 'resumed' },
    );
    expect(told.now).toBe('stopped: vote-commit');
  });

  test('votes of another decision, and votes for another coordinator, do not count', () => {
    const told = proposed().all('confirmed', { votes: { first: abort } });
    expect(told.now).toBe('stopped: vote-commit');
    const older = { decision: 'commit', epoch: { counter: 1, agent: 'h0' } } as const;
    expect(told.all('confirmed', { votes: { first: older } }).now).toBe('stopped: vote-commit');
  });

  test('a host that restarted sees again that its etcd is stopped, before it votes', () => {
    expect(proposed().tell(report('h1', 'stopped')).now).toBe('stopped: confirm');
  });

  test('silence causes no rollback, however long', () => {
    const told = verifying().tell(
      { type: 'silent', agent: 'h2', atMs: 0 },
      { type: 'tick', atMs: 100 * GRACE_MS },
    );
    expect(told.now).toBe('verifying: commit');
  });

  test('a host that cannot start the new data takes all of them back, unless clients wrote', () => {
    const told = proposed()
      .all('confirmed', committed)
      .tell(report('h3', 'committing', { ...committed, failure }));
    expect(told.effects).toContainEqual({ type: 'check-writes' });
    expect(told.now).toBe('committing: commit');
    told.tell({ type: 'writes-checked', clientsWrote: false });
    expect(told.now).toBe('rolling-back: vote-rollback');
  });
});

describe('the acceptance gate', () => {
  test('that failed takes all hosts back: first every new etcd stops, then the old ones start', () => {
    const told = verifying().tell(
      { type: 'gate-failed', failure },
      { type: 'writes-checked', clientsWrote: false },
    );
    const votes = { first: commit, second: { decision: 'rollback', epoch } } as const;
    told.all('started', { votes });
    expect(told.now).toBe('rolling-back: rollback-stop');
    told.tell(report('h1', 'rollback-stopped', { votes }), report('h2', 'rollback-stopped', { votes }));
    expect(told.now).toBe('rolling-back: rollback-stop');
    told.tell(report('h3', 'rollback-stopped', { votes }));
    expect(told.now).toBe('rolling-back: rollback');
    expect(told.all('rolled-back', { votes }).now).toBe('rolled-back: nothing');
    expect(told.state.failure).toEqual(failure);
  });

  test('that failed after clients wrote goes nowhere by itself', () => {
    const told = verifying().tell(
      { type: 'gate-failed', failure },
      { type: 'writes-checked', clientsWrote: true },
    );
    expect(told.now).toBe('stuck: nothing');
    expect(told.state.failure).toMatchObject({ code: 'RESTORE_STUCK' });
    expect(told.state.failure?.message).toContain('no room; clients may have written');
  });

  test('says nothing after its other word', () => {
    expect(verifying().tell({ type: 'gate-passed' }, { type: 'gate-failed', failure }).now).toBe(
      'verifying: vote-accepted',
    );
    expect(verifying().tell({ type: 'gate-failed', failure }, { type: 'gate-passed' }).now).toBe(
      'verifying: commit',
    );
  });

  test('is asked again by a coordinator that came back, once every host says again where it stands', () => {
    const told = verifying();
    told.state = { ...told.state, reports: {} };
    expect(told.tell({ type: 'resumed' }).now).toBe('committing: commit');
    expect(told.all('started', committed).effects.at(-1)).toEqual({ type: 'run-gate' });
  });
});

test('an end that a host cannot reach is stuck, with its reason', () => {
  const aborting = new Told().tell(abortAsked);
  aborting.all('preparing', { votes: { first: abort } });
  expect(aborting.tell(report('h2', 'aborting', { votes: { first: abort }, failure })).now).toBe(
    'stuck: nothing',
  );
  expect(aborting.state.failure?.message).toBe('h2: no room');
});
