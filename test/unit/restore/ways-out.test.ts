import { describe, expect, test } from 'vitest';
import type { Epoch } from '../../../src/formats/restore-journal.ts';
import type { ParticipantReport } from '../../../src/formats/restore-messages.ts';
import { moveCoordinator } from '../../../src/restore/coordinator.ts';
import {
  openCoordinator,
  openTakeover,
  type CoordinatorEvent,
  type CoordinatorState,
} from '../../../src/restore/coordinator-state.ts';
import { refusalOf } from '../../../src/restore/judge-request.ts';
import { nextCommands } from '../../../src/restore/next-commands.ts';
import { moveParticipant, type ParticipantState } from '../../../src/restore/participant.ts';
import { OPERATION, samplePlan, sampleUndo } from '../../support/control-samples.ts';

const plan = samplePlan();
const first = { counter: 1, agent: 'h1' };
const second = { counter: 2, agent: 'h2' };
const failure = { code: 'ETCD_START_FAILED', message: 'it did not come up' };

function report(number: number, more: Partial<ParticipantReport>): CoordinatorEvent {
  const journalId = `00000000-0000-4000-8000-00000000000${number}`;
  const bare = { operation: OPERATION, agent: `h${number}`, journalId, version: 1, epoch: second };
  return { type: 'report', report: { ...bare, phase: 'started', votes: {}, decided: {}, ...more } };
}

/** A takeover by h2 that has heard these. */
function takenOver(...events: CoordinatorEvent[]): CoordinatorState {
  const opened = openTakeover(plan.decided, second, 30_000);
  return events.reduce((state, event) => moveCoordinator(state, event).state, opened);
}

function commitBy(epoch: Epoch) {
  return { first: { decision: 'commit', epoch } } as const;
}

function silent(agent: string): CoordinatorEvent {
  return { type: 'silent', agent, atMs: 0 };
}

function rollback(...without: string[]): CoordinatorEvent {
  return { type: 'requested', kind: 'rollback', by: 'root', without };
}

function offered(state: CoordinatorState): string[] {
  return nextCommands({ phase: state.phase, plan, coordinator: state }).map((command) =>
    command.replace(/ *#.*/, '').replace(` ${OPERATION}`, ''),
  );
}

const goingBack = { decided: { first: 'commit', second: 'rollback' } } as const;
const committed = { decided: { first: 'commit' } } as const;

describe('a host that is lost while the others go back', () => {
  const waiting = takenOver(
    report(2, { ...goingBack, phase: 'rolled-back' }),
    report(3, { ...goingBack, phase: 'rolled-back' }),
    silent('h1'),
  );

  test('is waited for, and the status offers to go back without it', () => {
    expect(waiting.phase).toBe('rolling-back');
    expect(offered(waiting)).toContain('lifeboat restore rollback --without h1');
  });

  test('is not waited for any more once the operator says so', () => {
    expect(moveCoordinator(waiting, rollback('h1')).state.phase).toBe('rolled-back');
  });

  test('is not given up by a rollback that names nobody', () => {
    expect(moveCoordinator(waiting, rollback()).state).toBe(waiting);
  });
});

test('a rollback that no majority is left to vote for can be forced, also without hosts that were given up', () => {
  const alone = takenOver(report(2, committed), report(1, committed), silent('h3'), silent('h1'));
  const asked = moveCoordinator(alone, rollback('h1', 'h3')).state;
  expect(asked.phase).toBe('rolling-back');
  expect(offered(asked)).toContain(
    "lifeboat restore takeover --force-outcome abort --without h1 h3 --reason 'h1 and h3 dead for good'",
  );
});

test('who was sworn dead votes no more, and a host that is given up later takes no other vote away', () => {
  const forced = openTakeover(plan.decided, second, 30_000, { without: ['h1'], outcome: 'commit' });
  const events = [report(2, committed), report(3, committed), silent('h2'), rollback('h2')];
  const vote = { decision: 'rollback', epoch: second } as const;
  const asked = [...events, report(3, { ...committed, votes: { second: vote } })].reduce(
    (state, event) => moveCoordinator(state, event).state,
    forced,
  );
  expect(asked).toMatchObject({ phase: 'rolling-back', ballot: { decided: false } });
  expect(offered(asked)).toContain(
    "lifeboat restore takeover --force-outcome abort --without h1 h2 --reason 'h1 and h2 dead for good'",
  );
});

test('a takeover that was forced and waits for one more host can go on without force where a majority follows', () => {
  const forced = openTakeover(plan.decided, second, 30_000, { without: [], outcome: 'abort' });
  const events = [report(2, committed), report(3, committed), silent('h1')];
  const waiting = events.reduce((state, event) => moveCoordinator(state, event).state, forced);
  expect(waiting.phase).toBe('taking-over');
  expect(offered(waiting)).toContain('lifeboat restore takeover');
});

describe('a host that could not see again that its etcd is stopped, while the commit is voted on', () => {
  const commit = commitBy(first);

  test('can be asked anew by whoever takes over', () => {
    const voting = takenOver(
      report(2, { phase: 'stopped', votes: commit }),
      report(3, { phase: 'stopped', votes: commit }),
      report(3, { phase: 'confirming', votes: commit, failure }),
    );
    expect(voting).toMatchObject({ phase: 'stopped', ballot: { decision: 'commit', decided: false } });
    expect(offered(voting)).toContain('lifeboat restore takeover');
  });

  test('looks again then', () => {
    const failed: ParticipantState = {
      ...{ phase: 'confirming', epoch: first, votes: commit, decided: {}, working: false, failedTries: 1 },
      ...{ resumed: false, failure },
    };
    const { state } = moveParticipant(failed, { type: 'promise', epoch: second });
    expect(state.phase).toBe('stopped');
    expect(state.failure).toBeUndefined();
  });
});

test('a decision that a host acts on already needs no votes, also when that host is heard late', () => {
  const undecided = { phase: 'stopped', epoch: second } as const;
  const voting = takenOver(report(2, undecided), report(3, undecided));
  expect(voting).toMatchObject({ phase: 'aborting', ballot: { decided: false } });
  const heard = moveCoordinator(voting, report(1, { phase: 'aborted', decided: { first: 'abort' } }));
  expect(heard.state.ballot?.decided).toBe(true);
});

test('a clock that was set back does not make the coordinator wait for as long again', () => {
  const { state } = moveCoordinator(takenOver({ type: 'silent', agent: 'h1', atMs: 3_600_000 }), {
    type: 'tick',
    atMs: 1000,
  });
  expect(state.silentSinceMs['h1']).toBe(1000);
});

describe('a host whose etcd did not come up, in a cluster that was accepted without it', () => {
  const failed: ParticipantState = {
    ...{ phase: 'committing', epoch: first, votes: {}, decided: {}, working: false, failedTries: 1 },
    ...{ resumed: false, failure },
  };

  test('tries again for a new coordinator, whatever the outcome is', () => {
    const { state } = moveParticipant(failed, { type: 'promise', epoch: second });
    expect(state.failure).toBeUndefined();
    const { effects } = moveParticipant(state, { type: 'advance', goal: 'commit', epoch: second });
    expect(effects).toEqual([{ type: 'work', phase: 'committing' }]);
  });

  test('tries again after a restart', () => {
    const restarted = moveParticipant(failed, { type: 'resumed' }).state;
    const { effects } = moveParticipant(restarted, { type: 'advance', goal: 'finish', epoch: first });
    expect(effects).toEqual([{ type: 'work', phase: 'committing' }]);
  });

  test('does not try over and over for the same one', () => {
    const { effects } = moveParticipant(failed, { type: 'advance', goal: 'finish', epoch: first });
    expect(effects).toEqual([]);
  });
});

test('a takeover that went down while it proposed again what was decided before goes on with it', () => {
  const voting = takenOver(
    report(2, { phase: 'stopped', votes: commitBy(first) }),
    report(3, { phase: 'stopped' }),
  );
  expect(voting).toMatchObject({ phase: 'stopped', ballot: { decision: 'commit', decided: false } });
  const readBack: CoordinatorState = {
    ...voting,
    ballot: { slot: 'first', decision: 'commit', decided: true },
  };
  expect(moveCoordinator(readBack, { type: 'resumed' }).state.phase).toBe('committing');
});

describe('what is printed first', () => {
  const working = takenOver(
    report(2, committed),
    report(1, committed),
    report(3, { ...committed, phase: 'committing' }),
  );
  const without = takenOver(report(2, committed), report(1, committed), silent('h3'));

  function first(coordinator: CoordinatorState, standing: object = {}): string | undefined {
    return nextCommands({ phase: coordinator.phase, plan, coordinator, ...standing })[0];
  }

  test('is to watch, while it goes on', () => {
    expect([first(working), first(without)]).toEqual([
      `lifeboat restore watch ${OPERATION}`,
      `lifeboat restore watch ${OPERATION}`,
    ]);
  });

  test('is the way on without a host that is waited for in vain, silent or not', () => {
    const wayOn = `lifeboat restore accept ${OPERATION} --without h3`;
    expect([first(working, { stillMs: 15_000 }), first(without, { stillMs: 15_000 })]).toEqual([
      wayOn,
      wayOn,
    ]);
  });

  test('is to abort what is not decided and does not get on', () => {
    const { ballot: _, ...open } = working;
    const undecided: CoordinatorState = { ...open, phase: 'stopping' };
    expect(first(undecided, { stillMs: 15_000 })).toBe(`lifeboat restore abort ${OPERATION}`);
    expect(first(undecided, { stillMs: 14_000 })).toBe(`lifeboat restore watch ${OPERATION}`);
  });

  test('is to drive it from another host, where the journal of this one takes nothing', () => {
    const journalProblem = '/var/lib/lifeboat/journal could not be written: ENOSPC: no space left on device';
    expect(first(working, { journalProblem })).toBe(
      `lifeboat restore takeover ${OPERATION}  # on another host: here ${journalProblem}`,
    );
    expect(nextCommands({ phase: 'stopped', plan, journalProblem })).toEqual([
      `lifeboat restore watch ${OPERATION}  # it goes on once this is mended: ${journalProblem}`,
    ]);
  });
});

describe('an undo that one host of three serves', () => {
  const { decided } = sampleUndo();
  const [only, ...others] = decided.hosts.map(({ agent, journalId }, index) => ({
    ...{ agent, journalId },
    action: index === 0 ? ('swap' as const) : ('vacate' as const),
  }));
  const [member] = decided.returnsTo.members;
  const opened = openCoordinator(
    {
      hosts: [only, ...others].flatMap((host) => host ?? []),
      returnsTo: { ...decided.returnsTo, members: member === undefined ? [] : [member] },
    },
    first,
    30_000,
  );
  const gate: CoordinatorState = {
    ...opened,
    phase: 'verifying',
    ballot: { slot: 'first', decision: 'commit', decided: true },
  };

  test('is not accepted without it, though the others are a majority, but rolled back', () => {
    expect(refusalOf(gate, { kind: 'accept', without: ['h1'] })).toContain('0 of 1 hosts are left');
    expect(refusalOf(gate, { kind: 'accept', without: ['h2', 'h3'] })).toBeUndefined();
    expect(refusalOf(gate, { kind: 'rollback', without: ['h1'] })).toBeUndefined();
  });
});
