import type { OperationPhase, ParticipantPhase } from '../formats/restore-journal.ts';
import type { OperationPlan } from '../formats/restore-plan.ts';
import { majorityOf } from './ballot.ts';
import { expectedHosts, follows, type CoordinatorState } from './coordinator-state.ts';
import { refusalOf } from './judge-request.ts';
import type { LinePlace } from './place-in-line.ts';

interface Standing {
  readonly phase: OperationPhase;
  readonly plan: OperationPlan;
  /** Where this host drives the operation. */
  readonly coordinator?: CoordinatorState;
  /** How long whoever drives it has asked nothing of this host, where another one does. */
  readonly unheardMs?: number;
  /** How long nothing has come of driving it, where this host does. */
  readonly stillMs?: number;
  /** Why this host's journal takes nothing at present. What was to be written is tried again until it is there. */
  readonly journalProblem?: string;
  /** What came after it, once it finished. */
  readonly place?: LinePlace;
}

/** A coordinator that is there asks every few seconds. */
const SILENT_MS = 15_000;

/**
 * What an operator can type as the operation stands. The first is what leads on: watching while it goes on by itself, and where nothing
 * has moved for a while the way out that gives up least. None is offered that would be refused.
 */
export function nextCommands(standing: Standing): string[] {
  const { phase, plan, coordinator } = standing;
  const id = plan.decided.operation;
  if (phase === 'finished') return afterwards(standing, id);
  if (phase === 'aborted' || phase === 'rolled-back') {
    const { decided } = plan;
    return [
      'undoes' in decided ? `lifeboat restore undo ${decided.undoes.operation}` : 'lifeboat restore plan',
    ];
  }
  if (coordinator === undefined) return asParticipant(standing, id);
  const onward = asCoordinator(coordinator, standing, id);
  return [...elsewhere(standing, id), ...onward];
}

function afterwards({ plan, place }: Standing, id: string): string[] {
  if (place?.kind === 'undone') return [];
  const { decided } = plan;
  const vacated = 'undoes' in decided ? decided.hosts.filter(({ action }) => action === 'vacate') : [];
  return [
    ...vacated.map(({ agent }) => `lifeboat member rejoin  # on ${agent}, which has no member now`),
    `lifeboat restore clean ${id}  # on each host, once the cluster is known to be good`,
    ...(place?.kind === 'newest'
      ? [
          `lifeboat restore undo ${id}  # if it is not: back to the data that was set aside, without what was written since`,
        ]
      : []),
  ];
}

/** A coordinator that cannot write decides nothing, and takes no order. */
function elsewhere({ phase, coordinator, journalProblem }: Standing, id: string): string[] {
  if (journalProblem === undefined || phase === 'stuck' || (coordinator?.hosts.length ?? 0) < 2) return [];
  return [`lifeboat restore takeover ${id}  # on another host: here ${journalProblem}`];
}

function asParticipant({ phase, unheardMs = 0, journalProblem }: Standing, id: string): string[] {
  if (phase === 'stuck') return [`lifeboat restore takeover ${id}  # once what failed here is mended`];
  const watch =
    journalProblem === undefined
      ? `lifeboat restore watch ${id}`
      : `lifeboat restore watch ${id}  # it goes on once this is mended: ${journalProblem}`;
  return unheardMs < SILENT_MS
    ? [watch]
    : [
        `lifeboat restore takeover ${id}  # nobody has driven it for ${Math.round(unheardMs / 1000)} s`,
        watch,
      ];
}

function asCoordinator(state: CoordinatorState, { stillMs = 0 }: Standing, id: string): string[] {
  const { phase } = state;
  if (phase === 'taking-over')
    return [`lifeboat restore watch ${id}`, ...unforced(state, id), ...forced(state, id)];
  if (phase === 'stuck')
    return [
      ...choices(state, id, missing(state)),
      `lifeboat restore resume ${id}  # once what failed is mended`,
    ];
  const watch = `lifeboat restore watch ${id}`;
  const isStill = stillMs >= SILENT_MS;
  if (refusalOf(state, { kind: 'abort', without: [] }) === undefined)
    return watchOr([`lifeboat restore abort ${id}`], watch, isStill);
  const ways = waysWithout(state, id, isStill);
  return [...watchOr([...ways, ...again(state, id)], watch, isStill), ...deadlock(state, id)];
}

/** Without whoever is waited for in vain, if enough are left so; else without those that are gone. */
function waysWithout(state: CoordinatorState, id: string, isStill: boolean): string[] {
  const gone = missing(state);
  const late = isStill ? behind(state) : [];
  const ways = late.length === 0 ? [] : choices(state, id, [...gone, ...late]);
  return ways.length > 0 || gone.length === 0 ? ways : choices(state, id, gone);
}

function watchOr(ways: readonly string[], watch: string, isStill: boolean): string[] {
  return isStill ? [...ways, watch] : [watch, ...ways];
}

const AWAITED = {
  committing: ['started'],
  'rolling-back': ['rollback-stopped', 'rolling-back', 'rolled-back'],
} as const satisfies Partial<Record<OperationPhase, readonly ParticipantPhase[]>>;

/** Hosts that answer, and do not get to where the others are. */
function behind(state: CoordinatorState): string[] {
  const { phase, reports, ballot } = state;
  if (ballot?.decided !== true || (phase !== 'committing' && phase !== 'rolling-back')) return [];
  const there: readonly ParticipantPhase[] = AWAITED[phase];
  const gone = missing(state);
  return expectedHosts(state).filter((agent) => {
    const report = reports[agent];
    return !gone.includes(agent) && report !== undefined && !there.includes(report.phase);
  });
}

/** What was forced waits for every host that was not given up. A majority needs no force. */
function unforced(state: CoordinatorState, id: string): string[] {
  const following = state.hosts.filter((agent) => follows(state, agent)).length;
  if (state.forced === undefined || following < majorityOf(state.hosts.length)) return [];
  return [`lifeboat restore takeover ${id}  # a majority of the hosts follows`];
}

/** Both ways out of a restore that is decided and not accepted, without these hosts. */
function choices(state: CoordinatorState, id: string, without: readonly string[]): string[] {
  const flag = without.length === 0 ? '' : ` --without ${without.join(' ')}`;
  return (['accept', 'rollback'] as const)
    .filter((kind) => refusalOf(state, { kind, without }) === undefined)
    .map((kind) => `lifeboat restore ${kind} ${id}${flag}`);
}

/** A host that failed gives no vote, and looks again when it follows a new coordinator. */
function again({ ballot, hosts, reports }: CoordinatorState, id: string): string[] {
  const failed = hosts.filter((agent) => reports[agent]?.failure !== undefined);
  if (ballot?.decided !== false || failed.length === 0) return [];
  return [`lifeboat restore takeover ${id}  # once what failed on ${failed.join(' and ')} is mended`];
}

/** A vote that no majority of the hosts is left to give: also those that nobody waits for any more count. */
function deadlock(state: CoordinatorState, id: string): string[] {
  return state.ballot?.decided === false ? forced(state, id) : [];
}

function forced(state: CoordinatorState, id: string): string[] {
  const silent = state.hosts.filter(
    (agent) => !follows(state, agent) || state.silentSinceMs[agent] !== undefined,
  );
  if (silent.length * 2 < state.hosts.length) return [];
  const reason = `--reason '${silent.join(' and ')} dead for good'`;
  const flags = `--force-outcome abort --without ${silent.join(' ')} ${reason}`;
  return [`lifeboat restore takeover ${id} ${flags}  # only if that is true; say how you know`];
}

function missing({ hosts, silentSinceMs, refused, without }: CoordinatorState): string[] {
  return hosts.filter(
    (agent) =>
      !without.includes(agent) && (silentSinceMs[agent] !== undefined || refused[agent] !== undefined),
  );
}
