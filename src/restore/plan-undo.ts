import { AgentError } from '../base/agent-error.ts';
import { canonicalSha256 } from '../formats/canonical-json.ts';
import type { HostFacts, SetAsideFacts } from '../formats/host-facts.ts';
import type { UndoDecision, UndoHost, UndoPlan } from '../formats/restore-plan.ts';
import { generationsOf } from './merge-generations.ts';
import { placeInLine } from './place-in-line.ts';
import { supersededBy } from './plan-decision.ts';
import { participantsOf, refuseUnmovableHosts } from './plan-guards.ts';
import { clusterOf, silentUrls } from './plan-measurement.ts';
import { measureUndo } from './plan-undo-measurement.ts';
import { refuseNewerSnapshot } from './plan-versions.ts';
import type { PlanCircumstances } from './plan-wish.ts';
import { mostAdvanced, toleranceOf, undoHost } from './undo-hosts.ts';

export interface UndoWish {
  /** The finished operation that is to be undone. */
  readonly operation: string;
  readonly without: readonly string[];
}

export interface UndoCircumstances extends Omit<PlanCircumstances, 'clusterToken'> {
  /** What each host that answered says of what that operation set aside there. */
  readonly setAside: readonly SetAsideFacts[];
}

type Undone = UndoDecision['undoes'];

/**
 * How the hosts go back to what a finished operation set aside, from what was seen.
 *
 * @throws {AgentError} a guard's code: what was found, where. Nothing was changed.
 */
export function decideUndo(wish: UndoWish, seen: UndoCircumstances): UndoPlan {
  const facts = participantsOf(wish, seen);
  refuseUnmovableHosts(facts);
  const undoes = requireNewest(wish.operation, facts);
  requirePresent(undoes, facts);
  const setAside = seen.setAside.filter(({ agent }) => facts.some((host) => host.agent === agent));
  const best = mostAdvanced(setAside, undoes.parentClusterId);
  if (best === undefined) throw nothingLeft(undoes, setAside);
  refuseNewerSnapshot({}, versionsOf(best), facts);
  const hosts = facts.map((host) =>
    undoHost({ host, setAside: setAside.find(({ agent }) => agent === host.agent) }, best),
  );
  const faultTolerance = toleranceOf(best, hosts);
  const decided = decide({ wish, seen, facts, undoes, best, hosts });
  const measured = measureUndo({ nowMs: seen.nowMs, facts, decided, faultTolerance });
  return { version: 1, hash: canonicalSha256(decided), decided, measured };
}

/** @throws {AgentError} `OPERATION_UNKNOWN`, `UNDO_REFUSED`. */
function requireNewest(operation: string, facts: readonly HostFacts[]): Undone {
  const place = placeInLine(operation, generationsOf(facts));
  switch (place.kind) {
    case 'newest': {
      const { parentClusterId } = place.generation;
      if (parentClusterId !== undefined) return { ...place.generation, parentClusterId };
      throw new AgentError(
        'UNDO_REFUSED',
        `no host knew which cluster ${operation} took the place of, so nobody can tell its data from other data`,
      );
    }
    case 'unknown':
      throw new AgentError(
        'OPERATION_UNKNOWN',
        `no host knows of a restore ${operation} that finished; one that was aborted or rolled back left the data as it was`,
      );
    case 'undone':
      throw new AgentError('UNDO_REFUSED', `${operation} was undone already, by ${place.by}`);
    case 'undo':
      throw new AgentError(
        'UNDO_REFUSED',
        `${operation} is the undo of ${place.of}, and an undo is not undone: what it took out of service is in member.before-${operation} on each host, to be restored from`,
      );
    case 'followed':
      throw new AgentError(
        'UNDO_REFUSED',
        `${place.by} came after it: first \`lifeboat restore undo ${place.by}\``,
      );
    case 'fork':
      throw new AgentError(
        'UNDO_REFUSED',
        `${place.with} began at the same cluster: a restore of all hosts ends such a fork`,
      );
  }
}

/** @throws {AgentError} `UNDO_REFUSED` where the hosts are of another cluster than the operation made. */
function requirePresent({ operation, clusterId }: Undone, facts: readonly HostFacts[]): void {
  const present = clusterOf(facts);
  if (present === undefined || present === clusterId) return;
  throw new AgentError(
    'UNDO_REFUSED',
    `${operation} made cluster ${clusterId}, and the hosts are of cluster ${present} now`,
  );
}

function nothingLeft({ operation, parentClusterId }: Undone, setAside: readonly SetAsideFacts[]): AgentError {
  const found = setAside.map(({ agent, path, data, problem }) =>
    data === undefined
      ? `${agent}: ${problem ?? 'nothing is known'}`
      : `${agent}: ${path} is of cluster ${data.clusterId}`,
  );
  return new AgentError(
    'UNDO_INCOMPLETE',
    `nothing of cluster ${parentClusterId}, which ${operation} took the place of, is set aside anywhere: ${found.join('; ')}`,
  );
}

function versionsOf({
  path,
  storageVersion,
  clusterVersion,
}: Best): Parameters<typeof refuseNewerSnapshot>[1] {
  return {
    id: path,
    ...(storageVersion === undefined ? {} : { storageVersion }),
    ...(clusterVersion === undefined ? {} : { clusterVersion }),
  };
}

type Best = NonNullable<ReturnType<typeof mostAdvanced>>;

interface Findings {
  readonly wish: UndoWish;
  readonly seen: UndoCircumstances;
  readonly facts: readonly HostFacts[];
  readonly undoes: Undone;
  readonly best: Best;
  readonly hosts: readonly UndoHost[];
}

function decide({ wish, seen, facts, undoes, best, hosts }: Findings): UndoDecision {
  const present = facts.filter((host) => host.clusterId === undoes.clusterId);
  const urls = silentUrls(facts, present);
  return {
    operation: seen.operation,
    coordinator: seen.coordinator,
    undoes,
    returnsTo: {
      clusterId: best.clusterId,
      revision: best.revision,
      members: best.members.map(({ id, name, peerUrls, isLearner }) => ({
        ...{ id, name, peerUrls },
        ...(isLearner === true ? { isLearner } : {}),
      })),
    },
    without: wish.without.map((agent) => ({ agent, urls })),
    strangerUrls: wish.without.length === 0 ? urls : [],
    alarms: { carried: best.alarms, action: best.alarms.length === 0 ? 'none' : 'tolerate' },
    supersedes: supersededBy(facts, undoes.clusterId),
    hosts: [...hosts],
  };
}
