import { AgentError } from '../base/agent-error.ts';
import type { HostFacts } from '../formats/host-facts.ts';
import type { OperationPlan } from '../formats/restore-plan.ts';
import type { CallHost } from './call-host.ts';
import type { GuardStage } from './coordinator-state.ts';
import { generationsOf } from './merge-generations.ts';
import { placeInLine } from './place-in-line.ts';
import { clusterOf, newestMember } from './plan-measurement.ts';
import { collectFacts, refuseLivingDead } from './plan-operation.ts';

/**
 * Guards, host set and loss once more: before the stop, and before the decision.
 *
 * @throws {AgentError} `GUARD_CHANGED`, `GUARD_QUORUM_ALIVE` or `GUARD_HOST_ALIVE` when it is worse than confirmed.
 */
export async function recheckGuards(
  call: CallHost,
  plan: OperationPlan,
  stage: GuardStage,
  signal: AbortSignal,
): Promise<void> {
  if (stage === 'before-stop') {
    const agents = plan.decided.hosts.map(({ agent }) => agent);
    const { facts, silent } = await collectFacts({ call }, agents, signal);
    const gone = silent[0];
    if (gone !== undefined)
      throw new AgentError('GUARD_CHANGED', `${gone.agent} does not answer: ${gone.message}`);
    requireSameHosts(plan, facts);
    requireSameCluster(plan, facts);
    requireNoWorseLoss(plan, facts);
  }
  await refuseLivingDead(call, plan, signal);
}

function requireSameHosts(plan: OperationPlan, facts: readonly HostFacts[]): void {
  for (const host of plan.decided.hosts) {
    const now = facts.find(({ agent }) => agent === host.agent);
    if (now?.journalId !== host.journalId) {
      throw new AgentError('GUARD_CHANGED', `${host.agent} was reimaged since the plan was made`);
    }
    const vanished = (now.found === 'absent') !== (host.found === 'absent');
    if (vanished || now.dataDir !== host.dataDir || now.walDir !== host.walDir) {
      throw new AgentError(
        'GUARD_CHANGED',
        `${host.agent}: its data was ${host.found}, and is ${now.found} now`,
      );
    }
    const problem = now.problems[0];
    if (problem !== undefined) throw new AgentError('GUARD_CHANGED', `${host.agent}: ${problem.message}`);
  }
}

/** Another operation may have gone through since: then what would be discarded is not what was shown. */
function requireSameCluster({ decided }: OperationPlan, facts: readonly HostFacts[]): void {
  const [planned, now] = [decided.supersedes?.clusterId, clusterOf(facts)];
  if (planned !== undefined && now !== undefined && now !== planned) {
    throw new AgentError(
      'GUARD_CHANGED',
      `the hosts were of cluster ${planned} when the plan was confirmed, and are of ${now} now`,
    );
  }
  if (!('undoes' in decided)) return;
  const { operation } = decided.undoes;
  const { kind } = placeInLine(operation, generationsOf(facts));
  if (kind !== 'newest')
    throw new AgentError('GUARD_CHANGED', `${operation} is not the newest restore any more: it is ${kind}`);
  const kept = decided.hosts.filter(({ action }) => action === 'keep').map(({ agent }) => agent);
  const moved = facts.find(
    ({ agent, clusterId }) => kept.includes(agent) && clusterId !== decided.returnsTo.clusterId,
  );
  if (moved !== undefined) {
    throw new AgentError(
      'GUARD_CHANGED',
      `${moved.agent} would keep its data of cluster ${decided.returnsTo.clusterId}, and is of ${moved.clusterId ?? 'none'} now`,
    );
  }
}

function requireNoWorseLoss(plan: OperationPlan, facts: readonly HostFacts[]): void {
  // An undo discards what was written since, and said so: the present cluster works as a rule.
  if ('undoes' in plan.decided || plan.decided.discardCurrent) return;
  const healthy = facts.find((host) => host.etcd?.hasQuorum === true);
  if (healthy !== undefined) {
    throw new AgentError(
      'GUARD_QUORUM_ALIVE',
      `the cluster has quorum again: ${healthy.agent} answered a linearizable read`,
    );
  }
  const now = newestMember(facts);
  const confirmed = plan.measured.newest;
  if (now === undefined || (confirmed !== undefined && now.revision <= confirmed.revision)) return;
  throw new AgentError(
    'GUARD_CHANGED',
    `${now.agent} is at revision ${now.revision}; ${confirmed === undefined ? 'no member could be read' : `the most advanced was ${confirmed.revision}`} when the plan was confirmed`,
  );
}
