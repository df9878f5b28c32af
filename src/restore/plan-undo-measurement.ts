import { formatCount } from '../base/units.ts';
import type { HostFacts } from '../formats/host-facts.ts';
import type { PlanMeasurement, UndoDecision } from '../formats/restore-plan.ts';
import { newestMember } from './plan-measurement.ts';

interface Measuring {
  readonly nowMs: number;
  readonly facts: readonly HostFacts[];
  readonly decided: UndoDecision;
  readonly faultTolerance: number;
}

/** What was seen before an undo, in the words and numbers that the operator is shown. */
export function measureUndo({ nowMs, facts, decided, faultTolerance }: Measuring): PlanMeasurement {
  const { undoes } = decided;
  const newest = newestMember(facts.filter(({ clusterId }) => clusterId === undoes.clusterId));
  const quorum = facts.some((host) => host.etcd?.hasQuorum === true);
  return {
    at: new Date(nowMs).toISOString(),
    quorum: quorum ? 'alive' : facts.some(({ found }) => found !== 'absent') ? 'lost' : 'none',
    ...(newest === undefined
      ? {}
      : { newest, lostRevisions: Math.max(0, newest.revision - beganAt(undoes)) }),
    faultTolerance,
    warnings: warningsOf(facts, decided, newest?.revision),
    hosts: facts.map((host) => ({
      ...{ agent: host.agent, freeBytes: host.dataFreeBytes, neededBytes: 0 },
      ...(host.etcd === undefined ? {} : { revision: host.etcd.revision }),
      ...(host.clusterId === undefined ? {} : { clusterId: host.clusterId }),
    })),
  };
}

/** Where the undone operation left the cluster that it made. */
function beganAt({ restoredRevision, revisionBump = 0 }: UndoDecision['undoes']): number {
  return restoredRevision + revisionBump;
}

function warningsOf(
  facts: readonly HostFacts[],
  { undoes, returnsTo, hosts, alarms, without }: UndoDecision,
  newest: number | undefined,
): string[] {
  const from = newest ?? beganAt(undoes);
  const names = alarms.carried.map(({ alarm }) => alarm).join(', ');
  const unprobed = without.filter(({ urls }) => urls.length === 0).map(({ agent }) => agent);
  return [
    ...(newest === undefined ? ['No member can be read, so what will be lost is not known.'] : []),
    ...(from > returnsTo.revision
      ? [
          `Revisions go back from ${formatCount(from)} to ${formatCount(returnsTo.revision)}, and an undo cannot raise them. Clients with watches and caches must be restarted after it.`,
        ]
      : [
          `The numbers of revisions up to ${formatCount(from)} stood for other writes meanwhile. Clients with watches and caches must be restarted after the undo.`,
        ]),
    ...hosts.flatMap((host) => (host.action === 'swap' ? [] : [notServingWords(host)])),
    ...(alarms.action === 'none'
      ? []
      : [`The old cluster has the alarm ${names}: etcd will refuse writes until it is disarmed.`]),
    ...facts.flatMap(({ agent, remarks }) => (remarks ?? []).map((remark) => `${agent}: ${remark}.`)),
    ...(unprobed.length === 0
      ? []
      : [
          `No host here knows a URL of a member elsewhere, so nobody can see whether ${unprobed.join(', ')} is dead.`,
        ]),
  ];
}

function notServingWords({
  agent,
  action,
  why,
}: Exclude<UndoDecision['hosts'][number], { action: 'swap' }>): string {
  return action === 'keep'
    ? `${agent} keeps its data (${why}) and joins the others by it when the undo has finished: if nothing starts its etcd then, start it.`
    : `${agent} will have no member (${why}): its present data is set aside, and \`lifeboat member rejoin\` there makes it one afterwards.`;
}
