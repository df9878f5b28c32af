import type { HostFacts } from '../formats/host-facts.ts';
import type { PlanDecision, PlanMeasurement } from '../formats/restore-plan.ts';
import { majorityOf } from './ballot.ts';
import { condemnedWarnings, type Candidate } from './choose-snapshot.ts';
import { lineageOf, raisedSince } from './lineage-of.ts';
import type { HostNeed } from './plan-guards.ts';
import { rehearsalWarnings } from './plan-rehearsal.ts';
import { revisionWarnings } from './plan-revisions.ts';
import { shapeWarnings } from './plan-shapes.ts';
import { versionWarnings } from './plan-versions.ts';
import type { PlanCircumstances } from './plan-wish.ts';

interface Measuring {
  readonly seen: PlanCircumstances;
  readonly facts: readonly HostFacts[];
  readonly chosen: Candidate;
  readonly needs: readonly HostNeed[];
  readonly quorum: boolean;
  readonly decided: PlanDecision;
}

/** What was seen, in the words and numbers that the operator is shown. */
export function measure({ seen, facts, chosen, needs, quorum, decided }: Measuring): PlanMeasurement {
  const newest = newestMember(facts);
  return {
    at: new Date(seen.nowMs).toISOString(),
    quorum: quorum ? 'alive' : facts.some(({ found }) => found !== 'absent') ? 'lost' : 'none',
    ...(newest === undefined ? {} : { newest }),
    ...(newest === undefined || !sameHistory(facts, chosen)
      ? {}
      : { lostRevisions: lostRevisions(facts, chosen, newest.revision) }),
    faultTolerance: facts.length - majorityOf(facts.length),
    warnings: [
      ...warningsOf(facts, decided, newest !== undefined),
      ...rehearsalWarnings(decided, facts, chosen),
      ...condemnedWarnings(facts, chosen),
    ],
    hosts: needs.map(({ host, needed }) => ({
      agent: host.agent,
      freeBytes: host.dataFreeBytes,
      neededBytes: needed.data + (host.sharedFileSystem ? needed.snapshots : 0),
      holdsSnapshot: chosen.holders.includes(host.agent),
      ...(host.etcd === undefined ? {} : { revision: host.etcd.revision }),
      ...(host.clusterId === undefined ? {} : { clusterId: host.clusterId }),
    })),
  };
}

/** Revisions of different clusters cannot be subtracted. */
function sameHistory(facts: readonly HostFacts[], { manifest }: Candidate): boolean {
  const generations = facts.flatMap((host) => host.generations);
  const relation = lineageOf(manifest, clusterOf(facts), generations);
  return relation === 'own' || relation === 'unknown';
}

/** What earlier restores raised the revision by is numbers that nobody wrote. */
function lostRevisions(facts: readonly HostFacts[], { manifest }: Candidate, newestRevision: number): number {
  const generations = facts.flatMap((host) => host.generations);
  const raised = raisedSince(manifest, clusterOf(facts), generations);
  return Math.max(0, newestRevision - manifest.revision - raised);
}

/** The most advanced member that can be read. */
export function newestMember(facts: readonly HostFacts[]): { agent: string; revision: number } | undefined {
  const readable = facts.flatMap(({ agent, etcd }) =>
    etcd === undefined ? [] : [{ agent, revision: etcd.revision }],
  );
  return readable.sort((a, b) => b.revision - a.revision)[0];
}

function warningsOf(facts: readonly HostFacts[], decided: PlanDecision, readable: boolean): string[] {
  const warnings: string[] = [];
  const { snapshot } = decided;
  if (!readable) warnings.push('No member can be read, so what will be lost is not known.');
  if (!snapshot.hasTrailer)
    warnings.push('The snapshot carries no hash of its own: only its copy here was proved.');
  if (decided.alarms.action === 'tolerate') {
    const names = decided.alarms.carried.map(({ alarm }) => alarm).join(', ');
    warnings.push(
      `The snapshot carries the alarm ${names}: etcd will refuse writes until it is disarmed (--disarm-alarms).`,
    );
  }
  if (facts.length % 2 === 0)
    warnings.push(
      `${facts.length} members tolerate the loss of no more than ${facts.length - 1 === 1 ? 'one' : facts.length - 1} would: an odd number is better.`,
    );
  warnings.push(...revisionWarnings(decided, facts));
  warnings.push(...shapeWarnings(facts, decided));
  warnings.push(...versionWarnings(decided, facts));
  const strangers = silentUrls(facts);
  if (strangers.length > 0 && decided.without.length === 0) {
    warnings.push(
      `Members of the old cluster have no agent here and must be stopped by you: ${strangers.join(', ')}.`,
    );
  }
  return warnings;
}

/** URLs of members of the old cluster, as these hosts tell of it, that no participant owns: they must stay silent. */
export function silentUrls(facts: readonly HostFacts[], telling = facts): string[] {
  const own = new Set(facts.flatMap((host) => host.peerUrls));
  const members = telling.flatMap((host) => host.etcd?.members ?? host.knownMembers);
  const others = members.filter((member) => !member.peerUrls.some((url) => own.has(url)));
  return [...new Set(others.flatMap((member) => [...member.peerUrls, ...member.clientUrls]))].sort();
}

/** The cluster that the hosts belong to: what most of them say. New hosts say nothing. */
export function clusterOf(facts: readonly HostFacts[]): string | undefined {
  const votes = new Map<string, number>();
  for (const { clusterId } of facts) {
    if (clusterId !== undefined) votes.set(clusterId, (votes.get(clusterId) ?? 0) + 1);
  }
  return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0];
}
