import type { Failure } from '../formats/identifiers.ts';
import type {
  BallotDecision,
  BallotSlot,
  Epoch,
  OperationPhase,
  ParticipantPhase,
  TakeoverOrder,
} from '../formats/restore-journal.ts';
import type { Goal, OperatorRequest, ParticipantReport } from '../formats/restore-messages.ts';
import type { PlanHost, UndoDecision, UndoHost } from '../formats/restore-plan.ts';
import { compareEpochs } from './ballot.ts';
import { isEnded } from './phases.ts';
import { isServing, quorumOf } from './serving-hosts.ts';

/** Points at which guards, host set and loss are looked at again. */
export type GuardStage = 'before-stop' | 'before-decision';

/** The whole operation as its coordinator knows it. Reports are the hosts' own words, the rest is in the journal. */
export interface CoordinatorState {
  readonly phase: OperationPhase;
  readonly epoch: Epoch;
  readonly hosts: readonly string[];
  /** Whose votes decide: all, but for those that the operator swore dead when the outcome was forced. */
  readonly voters: readonly string[];
  /** Whose etcd serves the cluster that comes out, and how many of them that cluster needs. */
  readonly serving: readonly string[];
  readonly quorum: number;
  /** By agent, as the plan has them: a host that was reimaged has another, and is not believed. */
  readonly journalIds: Readonly<Record<string, string>>;
  readonly graceMs: number;
  readonly reports: Readonly<Record<string, ParticipantReport>>;
  /** Hosts that do not answer, and since when. */
  readonly silentSinceMs: Readonly<Record<string, number>>;
  /** Hosts that will not take part: they hold nothing of this operation and never will. */
  readonly refused: Readonly<Record<string, Failure>>;
  /** Hosts that the operator gave up: nobody waits for them. */
  readonly without: readonly string[];
  /** What the operator ordered where no majority is left. */
  readonly forced?: TakeoverOrder;
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
  /** The operator said `accept`: a gate that fails then waits for a person instead of going back. */
  readonly operatorAccepts: boolean;
  /** A newer coordinator, which a host follows. This one does nothing any more. */
  readonly deposedBy?: string;
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
  | {
      readonly type: 'requested';
      readonly kind: OperatorRequest['kind'];
      readonly by: string;
      readonly without: readonly string[];
    }
  /** A host follows a newer coordinator. */
  | { readonly type: 'deposed'; readonly by: string }
  | { readonly type: 'resumed' };

/** A record is synced before anything after it happens and before any host is told. */
export type CoordinatorEffect =
  | {
      readonly type: 'record-phase';
      readonly phase: OperationPhase;
      readonly failure?: Failure;
      readonly without?: readonly string[];
      readonly operatorAccepts?: boolean;
    }
  | { readonly type: 'record-proposed'; readonly slot: BallotSlot; readonly decision: BallotDecision }
  | { readonly type: 'record-decided'; readonly slot: BallotSlot; readonly decision: BallotDecision }
  | { readonly type: 'check-guards'; readonly stage: GuardStage }
  | { readonly type: 'run-gate' }
  | { readonly type: 'check-writes' };

export interface CoordinatorMove {
  readonly state: CoordinatorState;
  readonly effects: readonly CoordinatorEffect[];
}

/** What of a plan its coordinator goes by. */
export interface Coordinated {
  readonly hosts: readonly (Pick<PlanHost, 'agent' | 'journalId'> & {
    readonly action?: UndoHost['action'];
  })[];
  readonly returnsTo?: UndoDecision['returnsTo'];
}

/** An operation whose plan was just confirmed. */
export function openCoordinator(decided: Coordinated, epoch: Epoch, graceMs: number): CoordinatorState {
  const { hosts } = decided;
  return {
    phase: 'preparing',
    epoch,
    hosts: hosts.map(({ agent }) => agent),
    voters: hosts.map(({ agent }) => agent),
    serving: hosts.filter(isServing).map(({ agent }) => agent),
    quorum: quorumOf(decided),
    journalIds: Object.fromEntries(hosts.map(({ agent, journalId }) => [agent, journalId])),
    graceMs,
    reports: {},
    silentSinceMs: {},
    refused: {},
    without: [],
    guardPassed: false,
    goingBack: false,
    operatorAccepts: false,
  };
}

/** An operation that somebody else drove, or this host before: first a majority must follow the new epoch. */
export function openTakeover(
  decided: Coordinated,
  epoch: Epoch,
  graceMs: number,
  order?: TakeoverOrder,
): CoordinatorState {
  const opened: CoordinatorState = { ...openCoordinator(decided, epoch, graceMs), phase: 'taking-over' };
  if (order === undefined) return opened;
  const { without } = order;
  const voters = opened.hosts.filter((agent) => !without.includes(agent));
  return { ...opened, without, voters, forced: order };
}

/** Whether the host follows this coordinator: until it does, nothing is asked of it but that. */
export function follows({ reports, epoch }: CoordinatorState, agent: string): boolean {
  const report = reports[agent];
  return report !== undefined && compareEpochs(report.epoch, epoch) === 0;
}

/** What a host is asked to reach now. `undefined`: nothing more. */
export function goalFor(state: CoordinatorState, agent: string): Goal | undefined {
  const { phase, ballot } = state;
  switch (phase) {
    case 'taking-over':
      return 'wait';
    case 'preparing':
    case 'prepared':
      return 'prepare';
    case 'stopping':
      return 'stop';
    case 'stopped':
      return ballot === undefined ? 'confirm' : confirmedFirst(state, agent, 'vote-commit');
    case 'committing':
    case 'verifying':
      return towardsAcceptance(state, agent);
    case 'accepted':
      return 'finish';
    case 'aborting':
      return ballot?.decided === true ? 'abort' : 'vote-abort';
    case 'rolling-back':
      return towardsRollback(state);
    case 'finished':
    case 'aborted':
    case 'rolled-back':
    case 'stuck':
      return undefined;
  }
}

function towardsAcceptance(state: CoordinatorState, agent: string): Goal {
  const isVotedOn = state.ballot?.slot === 'second' && state.reports[agent]?.phase === 'started';
  return isVotedOn ? 'vote-accepted' : confirmedFirst(state, agent, 'commit');
}

/** Everybody's new etcd is down before anybody's old one comes up. */
function towardsRollback(state: CoordinatorState): Goal {
  if (state.ballot?.decided !== true) return 'vote-rollback';
  return all(state, ['rollback-stopped', 'rolling-back', 'rolled-back']) ? 'rollback' : 'rollback-stop';
}

/** A host that restarted, or follows a new coordinator, sees again that its etcd is stopped. */
function confirmedFirst({ reports }: CoordinatorState, agent: string, goal: Goal): Goal {
  return reports[agent]?.phase === 'stopped' ? 'confirm' : goal;
}

/** The hosts that are waited for. */
export function expectedHosts({ hosts, without }: CoordinatorState): readonly string[] {
  return hosts.filter((agent) => !without.includes(agent));
}

/** Whether every host that is waited for is in one of these phases. */
export function all(state: CoordinatorState, phases: readonly ParticipantPhase[]): boolean {
  return expectedHosts(state).every((agent) => {
    const report = state.reports[agent];
    return report !== undefined && phases.includes(report.phase);
  });
}

/** Where etcd came up on the restored data, as far as it was reported. */
export function servedHosts({ hosts, reports }: CoordinatorState): ReadonlySet<string> {
  return new Set(hosts.filter((agent) => reports[agent]?.served === true));
}

/** Whether the operation goes no further by this coordinator. */
export function isOver({ phase, deposedBy }: CoordinatorState): boolean {
  return deposedBy !== undefined || isEnded(phase);
}
