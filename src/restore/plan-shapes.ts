import type { HostFacts } from '../formats/host-facts.ts';
import type { PlanDecision } from '../formats/restore-plan.ts';

/** What the operator must know of the shape of the old cluster, and of what its hosts say of themselves. */
export function shapeWarnings(facts: readonly HostFacts[], { without }: PlanDecision): string[] {
  const unprobed = without.filter(({ urls }) => urls.length === 0).map(({ agent }) => agent);
  return [
    ...learnersAmong(facts).map(
      (agent) =>
        `${agent} was a learner, and becomes a voting member like all others: a restored cluster has no learners.`,
    ),
    ...facts.flatMap(({ agent, remarks }) => (remarks ?? []).map((remark) => `${agent}: ${remark}.`)),
    ...(unprobed.length === 0
      ? []
      : [
          `No host here knows the URLs of the other members, so nobody can see whether ${unprobed.join(', ')} is dead.`,
        ]),
  ];
}

/** By what any host says: a learner itself does not give the list. */
function learnersAmong(facts: readonly HostFacts[]): string[] {
  const members = facts.flatMap((host) => host.etcd?.members ?? host.knownMembers);
  const urls = new Set(
    members.filter(({ isLearner }) => isLearner === true).flatMap(({ peerUrls }) => peerUrls),
  );
  return facts
    .filter(({ etcd, peerUrls }) => etcd?.isLearner === true || peerUrls.some((url) => urls.has(url)))
    .map(({ agent }) => agent);
}
