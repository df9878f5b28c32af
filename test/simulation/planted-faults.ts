import type { ParticipantReport } from '../../src/formats/restore-messages.ts';
import { chooseSnapshot, type Candidate } from '../../src/restore/choose-snapshot.ts';
import { moveCoordinator } from '../../src/restore/coordinator.ts';
import type { CoordinatorEvent, CoordinatorState } from '../../src/restore/coordinator-state.ts';
import { moveParticipant } from '../../src/restore/participant.ts';
import type { FaultKind } from './fault-kinds.ts';
import { REAL_RULES, type Rules } from './rules.ts';

type Change = Partial<Rules>;

interface PlantedFault {
  readonly change: Change;
  /** What is to be breached by it first. */
  readonly invariant: RegExp;
  /** No run of series 1 before this one shows it: they are not played by every test. */
  readonly firstRun: number;
  /** Nothing else goes wrong then: it takes several of these on one host, one close behind the other. */
  readonly faults?: readonly FaultKind[];
}

/** Defects that a restore of several hosts can have. Each is the product with one thing wrong, and must be found. */
export const PLANTED_FAULTS: Readonly<Record<string, PlantedFault>> = {
  'decides before all hosts are stopped': planted({ moveCoordinator: takingStoppingForStopped }),
  'acts on a decision that only the coordinator synced': planted(
    { moveCoordinator: countingItselfForAll },
    /^I5: /,
  ),
  'accepts an old epoch': planted({ refusesOldEpochs: false }, /^I6: /),
  'promises while an effect still runs': planted({ endsWorkBeforePromise: false }, /^I6: /),
  'rolls back because a host is unreachable': planted({ moveCoordinator: takingSilenceForFailure }, /^I3: /),
  'releases before the acceptance is durable': planted({ moveParticipant: finishingAtTheVote }, /^I5: /),
  'treats a decision that could not be written as an abort': planted(
    { waitsAfterFailedWrite: false },
    /^I2: /,
    2000,
  ),
  'starts on half a swap': planted({ startsWholeDataOnly: false }, /^I10: /),
  'skips the sync of a directory': planted({ syncsDirectories: false }, undefined, 900),
  'takes a step that it finds done for durable': {
    ...planted({ sealsFoundSteps: false }, /^I10: /, 600),
    faults: ['step failed', 'power cut'],
  },
  'repeats a step that is done': planted({ skipsDoneSteps: false }, /^I3: /),
  'stages a snapshot that was not verified': planted({ verifiesSnapshots: false }, /^I1: /),
  'does not see that the file was replaced meanwhile': planted({ verifiesAfterUse: false }, /^I1: /),
  'takes whatever bytes a peer sends': planted({ comparesDownloads: false }, /^I1: /, 450),
  'offers a snapshot whose proof failed': planted({ chooseSnapshot: forgettingFailures }, /^I7: /),
  'believes a host that was reimaged': planted({
    checksJournalId: false,
    moveCoordinator: believingAnyJournal,
  }),
};

function planted(change: Change, invariant = /^I\d+: /, firstRun = 0): PlantedFault {
  return { change, invariant, firstRun };
}

export function rulesWith(change: Change): Rules {
  return { ...REAL_RULES, ...change };
}

function takingStoppingForStopped(
  state: CoordinatorState,
  event: CoordinatorEvent,
): ReturnType<typeof moveCoordinator> {
  if (event.type !== 'report' || !['stopping', 'stopped'].includes(state.phase)) {
    return moveCoordinator(state, event);
  }
  const { phase } = event.report;
  const report: ParticipantReport =
    phase === 'prepared' || phase === 'stopping' ? { ...event.report, phase: 'confirmed' } : event.report;
  return moveCoordinator(state, { type: 'report', report });
}

/** Its own vote stands for those of all hosts. */
function countingItselfForAll(
  state: CoordinatorState,
  event: CoordinatorEvent,
): ReturnType<typeof moveCoordinator> {
  if (event.type !== 'report' || event.report.agent !== state.epoch.agent)
    return moveCoordinator(state, event);
  const { votes } = event.report;
  const reports = Object.fromEntries(
    Object.entries(state.reports).map(([agent, report]) => [agent, { ...report, votes }]),
  );
  return moveCoordinator({ ...state, reports }, event);
}

function takingSilenceForFailure(
  state: CoordinatorState,
  event: CoordinatorEvent,
): ReturnType<typeof moveCoordinator> {
  if (event.type !== 'silent' || state.phase !== 'verifying') return moveCoordinator(state, event);
  const failure = { code: 'PEER_UNREACHABLE', message: `${event.agent} does not answer` };
  return moveCoordinator(state, { type: 'gate-failed', failure });
}

function finishingAtTheVote(...[state, event]: Parameters<typeof moveParticipant>) {
  const isVote = event.type === 'advance' && event.goal === 'vote-accepted';
  return moveParticipant(state, isVote ? { ...event, goal: 'finish' } : event);
}

function believingAnyJournal(
  state: CoordinatorState,
  event: CoordinatorEvent,
): ReturnType<typeof moveCoordinator> {
  if (event.type !== 'report') return moveCoordinator(state, event);
  const { agent, journalId } = event.report;
  return moveCoordinator(state, {
    type: 'report',
    report: { ...event.report, journalId: state.journalIds[agent] ?? journalId },
  });
}

function forgettingFailures(...[wish, facts, clusterId]: Parameters<typeof chooseSnapshot>): Candidate {
  const forgotten = facts.map((host) => ({
    ...host,
    snapshots: host.snapshots.map((one) =>
      one.grade === 'failed' ? ({ ...one, grade: 'hashed' } as const) : one,
    ),
  }));
  return chooseSnapshot(wish, forgotten, clusterId);
}
