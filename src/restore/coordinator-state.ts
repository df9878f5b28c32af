import type { Failure } from '../formats/identifiers.ts';
import type {
  BallotDecision,
  BallotSlot,
  OperationPhase,
  ParticipantPhase,
} from '../formats/restore-journal.ts';
import type { Goal, ParticipantReport } from '../formats/restore-messages.ts';

/** Points at which guards, host set and loss are looked at again. */
export type GuardStage = 'before-stop' | 'before-decision';

/** The whole operation as its coordinator knows it. Reports are the hosts' own words, the rest is in the journal. */
export interface CoordinatorState {
  readonly phase: OperationPhase;
  readonly hosts: readonly string[];
  readonly graceMs: number;
  readonly reports: Readonly<Record<string, ParticipantReport>>;
  /** Hosts that do not answer, and since when. */
  readonly silentSinceMs: Readonly<Record<string, number>>;
  /** Hosts that will not take part: they hold nothing of this operation and never will. */
  readonly refused: Readonly<Record<string, Failure>>;
  readonly ballot?: {
    readonly slot: BallotSlot;
    readonly decision: BallotDecision;
    readonly decided: boolean;
  };
  readonly guardPassed: boolean;
  /** Why the operation does not end in `finished`. */
  readonly failure?: Failure;
  /** Waiting to hear whether clients wrote to the new cluster, before going back. */
  readonly goingBack: boolean;
}

export type CoordinatorEvent =
  | { readonly type: 'report'; readonly report: ParticipantReport }
  | { readonly type: 'silent'; readonly agent: string; readonly atMs: number }
  | { readonly type: 'refused'; readonly agent: string; readonly failure: Failure }
  | { readonly type: 'tick'; readonly atMs: number }
  | { readonly type: 'guard-passed'; readonly stage: GuardStage }
  | { readonly type: 'guard-failed'; readonly failure: Failure }
  | { readonly type: 'gate-passed' }
  | { readonly type: 'gate-failed'; readonly failure: Failure }
  | { readonly type: 'writes-checked'; readonly clientsWrote: boolean }
  | { readonly type: 'abort-requested'; readonly by: string }
  | { readonly type: 'resumed' };

/** A record is synced before anything after it happens and before any host is told. */
export type CoordinatorEffect =
  | { readonly type: 'record-phase'; readonly phase: OperationPhase; readonly failure?: Failure }
  | { readonly type: 'record-proposed'; readonly slot: BallotSlot; readonly decision: BallotDecision }
  | { readonly type: 'record-decided'; readonly slot: BallotSlot; readonly decision: BallotDecision }
  | { readonly type: 'check-guards'; readonly stage: GuardStage }
  | { readonly type: 'run-gate' }
  | { readonly type: 'check-writes' };

export interface CoordinatorMove {
  readonly state: CoordinatorState;
  readonly effects: readonly CoordinatorEffect[];
}

/** An operation whose plan was just confirmed. */
export function openCoordinator(hosts: readonly string[], graceMs: number): CoordinatorState {
  return {
    phase: 'preparing',
    hosts,
    graceMs,
    reports: {},
    silentSinceMs: {},
    refused: {},
    guardPassed: false,
    goingBack: false,
  };
}

/** What a host is asked to reach now. `undefined`: nothing more. */
export function goalOf(state: CoordinatorState): Goal | undefined {
  const { phase, ballot } = state;
  switch (phase) {
    case 'preparing':
    case 'prepared':
      return 'prepare';
    case 'stopping':
      return 'stop';
    case 'stopped':
      return ballot === undefined ? 'confirm' : 'vote-commit';
    case 'committing':
      return 'commit';
    case 'verifying':
      return ballot?.decision === 'accepted' ? 'vote-accepted' : 'commit';
    case 'accepted':
      return 'finish';
    case 'aborting':
      return ballot?.decided === true ? 'abort' : 'vote-abort';
    case 'rolling-back':
      if (ballot?.decided !== true) return 'vote-rollback';
      return all(state, ['rollback-stopped', 'rolling-back', 'rolled-back']) ? 'rollback' : 'rollback-stop';
    case 'finished':
    case 'aborted':
    case 'rolled-back':
    case 'stuck':
      return undefined;
  }
}

/** Whether every host is in one of these phases. */
export function all(state: CoordinatorState, phases: readonly ParticipantPhase[]): boolean {
  return state.hosts.every((agent) => {
    const report = state.reports[agent];
    return report !== undefined && phases.includes(report.phase);
  });
}
