import type { OperationView } from '../formats/operation-view.ts';
import type { Failure } from '../formats/identifiers.ts';
import type { OperationPhase, ParticipantPhase } from '../formats/restore-journal.ts';
import type { ParticipantReport } from '../formats/restore-messages.ts';
import type { OperationPlan } from '../formats/restore-plan.ts';
import type { CoordinatorState } from './coordinator-state.ts';
import type { GateRun } from './gate-run.ts';
import type { HookRecord } from './hook-record.ts';
import { nextCommands } from './next-commands.ts';
import { sourceOf } from './operation-source.ts';
import { leadsOut } from './phases.ts';
import type { LinePlace } from './place-in-line.ts';

interface Seen {
  readonly plan: OperationPlan;
  readonly openedAt: string;
  readonly endedAt?: string;
  /** The commands that ran for it on this host, or are due. */
  readonly hooks: readonly HookRecord[];
  /** How long nobody has driven this host. */
  readonly unheardMs: number;
  /** Why this host's journal takes nothing at present. */
  readonly journalProblem?: string | undefined;
  /** Why it does not go through, where the coordinator told this host. */
  readonly cause?: Failure | undefined;
  /** This host's own part. */
  readonly own: ParticipantReport;
  /** Where this host drives the operation. */
  readonly coordinator?: CoordinatorState;
  readonly gate?: GateRun | undefined;
  /** How long nothing has come of the driving. */
  readonly stillMs?: number | undefined;
  /** What came after it. */
  readonly place: LinePlace;
}

/** An operation for people and programs, as far as this host knows it. */
export function viewOf(seen: Seen): OperationView {
  const { plan, own, gate } = seen;
  const { operation } = plan.decided;
  const { coordinator, phase, reports, epoch, failure, without } = drivingOf(seen);
  return {
    operation,
    role: coordinator === undefined ? 'participant' : 'coordinator',
    coordinator: epoch.agent,
    epoch: epoch.counter,
    planHash: plan.hash,
    phase,
    startedAt: seen.openedAt,
    ...sourceOf(plan.decided),
    ...decisionsSeen(own),
    hosts: plan.decided.hosts.map(({ agent }) =>
      withoutUndone(hostView(agent, reports[agent], coordinator), seen.place),
    ),
    gate: [...(gate?.words ?? [])],
    ...withoutAbsent({
      endedAt: seen.endedAt,
      failure: failure ?? (coordinator === undefined ? seen.cause : undefined) ?? unwritable(seen),
      without: without.length === 0 ? undefined : [...without],
      forced: coordinator?.forced,
      revisionBump: bumpOf(plan),
      lostRevisions: plan.measured.lostRevisions,
      downtimeMs: downtimeOf(reports, gate?.servingSinceMs),
      result: resultOf(gate),
      hooks: hooksView(seen.hooks),
      undoneBy: undoneBy(seen.place),
    }),
    next: nextCommands({ phase, plan, ...withoutAbsent(waitingOf(seen)) }),
  };
}

function waitingOf({ coordinator, unheardMs, stillMs, journalProblem, place }: Seen) {
  return { coordinator, unheardMs, stillMs, journalProblem, place };
}

/** What keeps this host from going on, though nothing of it has failed. */
function unwritable({ journalProblem }: Seen): Failure | undefined {
  return journalProblem === undefined ? undefined : { code: 'JOURNAL_UNWRITABLE', message: journalProblem };
}

/** The whole operation where this host drives it, else this host's part of it. */
function drivingOf({ coordinator, own }: Seen) {
  if (coordinator !== undefined) return { coordinator, ...coordinator };
  const { epoch, failure } = own;
  return { coordinator, phase: phaseSeenBy(own), reports: { [own.agent]: own }, epoch, failure, without: [] };
}

/** What this host voted for or acted on. */
function decisionsSeen({ votes, decided }: ParticipantReport): Pick<OperationView, 'first' | 'second'> {
  return withoutAbsent({
    first: decided.first ?? votes.first?.decision,
    second: decided.second ?? votes.second?.decision,
  });
}

function hooksView(hooks: readonly HookRecord[]): OperationView['hooks'] {
  if (hooks.length === 0) return undefined;
  return hooks.map(({ hook, after, state, reason }) => ({
    hook,
    state,
    ...withoutAbsent({ after, reason }),
  }));
}

function bumpOf({ decided }: OperationPlan): number | undefined {
  return 'revisions' in decided && decided.revisions?.action === 'bump' ? decided.revisions.by : undefined;
}

function hostView(
  agent: string,
  report: ParticipantReport | undefined,
  coordinator: CoordinatorState | undefined,
): OperationView['hosts'][number] {
  const refused = coordinator?.refused[agent];
  const reachable = coordinator?.silentSinceMs[agent] === undefined;
  if (report === undefined)
    return { agent, reachable, ...(refused === undefined ? {} : { failure: refused }) };
  const { phase, step, bytes, totalBytes, failure, setAside } = report;
  return { agent, phase, reachable, ...withoutAbsent({ step, bytes, totalBytes, failure, setAside }) };
}

function undoneBy(place: LinePlace): string | undefined {
  return place.kind === 'undone' ? place.by : undefined;
}

/** What it had set aside serves again. */
function withoutUndone(host: HostView, place: LinePlace): HostView {
  if (undoneBy(place) === undefined) return host;
  const { setAside: _, ...rest } = host;
  return rest;
}

type HostView = OperationView['hosts'][number];

/** The fields that have a value: an absent one is not written at all. */
function withoutAbsent<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function downtimeOf(
  reports: Readonly<Record<string, ParticipantReport>>,
  servingSinceMs: number | undefined,
): number | undefined {
  const stops = Object.values(reports).flatMap(({ stopAskedAtMs }) => stopAskedAtMs ?? []);
  if (stops.length === 0 || servingSinceMs === undefined) return undefined;
  return Math.max(0, servingSinceMs - Math.min(...stops));
}

function resultOf(gate: GateRun | undefined): OperationView['result'] {
  const passed = gate?.passed;
  if (passed === undefined) return undefined;
  const { clusterId, revision, hash, keyCount } = passed;
  return { clusterId, revision, hashKv: hash, ...(keyCount === undefined ? {} : { keyCount }) };
}

const SEEN_BY: Record<ParticipantPhase, OperationPhase> = {
  preparing: 'preparing',
  prepared: 'prepared',
  stopping: 'stopping',
  stopped: 'stopped',
  confirming: 'stopped',
  confirmed: 'stopped',
  committing: 'committing',
  started: 'verifying',
  finishing: 'accepted',
  finished: 'finished',
  aborting: 'aborting',
  aborted: 'aborted',
  'rollback-stopping': 'rolling-back',
  'rollback-stopped': 'rolling-back',
  'rolling-back': 'rolling-back',
  'rolled-back': 'rolled-back',
};

/** What a participant's own part says of the whole. One that cannot get out of the operation waits for a person. */
function phaseSeenBy({ phase, failure }: ParticipantReport): OperationPhase {
  return failure !== undefined && leadsOut(phase) ? 'stuck' : SEEN_BY[phase];
}
