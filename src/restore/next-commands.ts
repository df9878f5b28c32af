import type { OperationPhase } from '../formats/restore-journal.ts';
import type { RestorePlan } from '../formats/restore-plan.ts';
import { majorityOf } from './ballot.ts';
import { follows, type CoordinatorState } from './coordinator-state.ts';
import { refusalOf } from './judge-request.ts';

interface Standing {
  readonly phase: OperationPhase;
  readonly plan: RestorePlan;
  /** Where this host drives the operation. */
  readonly coordinator?: CoordinatorState;
  /** How long whoever drives it has asked nothing of this host, where another one does. */
  readonly unheardMs?: number;
}

/** A coordinator that is there asks every few seconds. */
const SILENT_MS = 15_000;

/** What an operator can type as the operation stands, the likeliest first. None is offered that would be refused. */
export function nextCommands(standing: Standing): string[] {
  const { phase, plan, coordinator } = standing;
  const id = plan.decided.operation;
  if (phase === 'finished')
    return [`lifeboat restore clean ${id}  # on each host, once the cluster is known to be good`];
  if (phase === 'aborted' || phase === 'rolled-back') return ['lifeboat restore plan'];
  return coordinator === undefined ? asParticipant(standing, id) : asCoordinator(coordinator, id);
}

function asParticipant({ phase, unheardMs = 0 }: Standing, id: string): string[] {
  if (phase === 'stuck') return [`lifeboat restore takeover ${id}  # once what failed here is mended`];
  const watch = `lifeboat restore watch ${id}`;
  return unheardMs < SILENT_MS
    ? [watch]
    : [
        `lifeboat restore takeover ${id}  # nobody has driven it for ${Math.round(unheardMs / 1000)} s`,
        watch,
      ];
}

function asCoordinator(state: CoordinatorState, id: string): string[] {
  const { phase } = state;
  if (phase === 'taking-over')
    return [`lifeboat restore watch ${id}`, ...unforced(state, id), ...forced(state, id)];
  if (phase === 'stuck')
    return [...choices(state, id), `lifeboat restore resume ${id}  # once what failed is mended`];
  const watch = `lifeboat restore watch ${id}`;
  if (refusalOf(state, { kind: 'abort', without: [] }) === undefined)
    return [watch, `lifeboat restore abort ${id}`];
  const ways = missing(state).length === 0 ? [] : choices(state, id);
  return [watch, ...ways, ...again(state, id), ...deadlock(state, id)];
}

/** What was forced waits for every host that was not given up. A majority needs no force. */
function unforced(state: CoordinatorState, id: string): string[] {
  const following = state.hosts.filter((agent) => follows(state, agent)).length;
  if (state.forced === undefined || following < majorityOf(state.hosts.length)) return [];
  return [`lifeboat restore takeover ${id}  # a majority of the hosts follows`];
}

/** Both ways out of a restore that is decided and not accepted, without the hosts that are missing. */
function choices(state: CoordinatorState, id: string): string[] {
  const without = missing(state);
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
  const flags = `--force-outcome abort --without ${silent.join(' ')}`;
  return [`lifeboat restore takeover ${id} ${flags}  # only if they are dead for good`];
}

function missing({ hosts, silentSinceMs, refused, without }: CoordinatorState): string[] {
  return hosts.filter(
    (agent) =>
      !without.includes(agent) && (silentSinceMs[agent] !== undefined || refused[agent] !== undefined),
  );
}
