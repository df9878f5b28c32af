import { canonicalSha256 } from '../formats/canonical-json.ts';
import type { HostFacts } from '../formats/host-facts.ts';
import type { PlanDecision, RestoreHost, RestorePlan } from '../formats/restore-plan.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { chooseSnapshot, refuseUnprovedSnapshot, type Candidate } from './choose-snapshot.ts';
import {
  neededBytes,
  participantsOf,
  refuseLivingCluster,
  refuseLittleSpace,
  refuseUnfitHosts,
} from './plan-guards.ts';
import { clusterOf, measure, silentUrls } from './plan-measurement.ts';
import { planHost } from './plan-host.ts';
import { decideRehearsal } from './plan-rehearsal.ts';
import { decideRevisions } from './plan-revisions.ts';
import { refuseNewerSnapshot, versionOfSnapshot } from './plan-versions.ts';
import type { PlanCircumstances, PlanWish } from './plan-wish.ts';

/**
 * What a restore will do, from what was wished and what was seen.
 *
 * @throws {AgentError} a guard's code: what was found, where. Nothing was changed.
 */
export function decidePlan(wish: PlanWish, seen: PlanCircumstances): RestorePlan {
  refuseLivingCluster(wish, seen);
  const facts = participantsOf(wish, seen);
  refuseUnfitHosts(facts);
  const clusterId = clusterOf(facts);
  const chosen = chooseSnapshot(wish, facts, clusterId);
  refuseUnprovedSnapshot(wish, chosen.manifest);
  refuseNewerSnapshot(wish, chosen.manifest, facts);
  const quorum = facts.some((host) => host.etcd?.hasQuorum === true);
  const needs = facts.map((host) => ({ host, needed: neededBytes(host, chosen) }));
  refuseLittleSpace(needs);
  const decided = decide({ wish, seen, facts, chosen, clusterId });
  const measured = measure({ seen, facts, chosen, needs, quorum, decided });
  return { version: 1, hash: canonicalSha256(decided), decided, measured };
}

/** As many as a plan holds; etcd itself advises against more than seven. */
const MOST_MEMBERS = 64;

interface Findings {
  readonly wish: PlanWish;
  readonly seen: PlanCircumstances;
  readonly facts: readonly HostFacts[];
  readonly chosen: Candidate;
  readonly clusterId: string | undefined;
}

function decide({ wish, seen, facts, chosen, clusterId }: Findings): PlanDecision {
  const { manifest, holders } = chosen;
  const carried = manifest.alarms.map(({ memberId, alarm }) => ({ memberId, alarm }));
  return {
    operation: seen.operation,
    coordinator: seen.coordinator,
    clusterToken: seen.clusterToken,
    snapshot: planSnapshot(manifest),
    holders: [...holders],
    skipHashCheck: wish.skipHashCheck,
    ...(wish.reason === undefined ? {} : { reason: wish.reason }),
    discardCurrent: wish.discardCurrent,
    allowForeign: wish.allowForeign,
    without: wish.without.map((agent) => ({ agent, urls: silentUrls(facts) })),
    ...(wish.allowNewerSnapshot === true ? { allowNewerSnapshot: true } : {}),
    alarms: { carried, action: carried.length === 0 ? 'none' : wish.disarmAlarms ? 'disarm' : 'tolerate' },
    revisions: decideRevisions(wish, facts, manifest.revision),
    rehearsal: decideRehearsal(wish, facts, chosen),
    ...(clusterId === undefined ? {} : { supersedes: supersededBy(facts, clusterId) }),
    hosts: facts.map(restoreHost),
  };
}

/** Every host's word counts: whoever is dead now was seen by one that lives. */
export function supersededBy(
  facts: readonly HostFacts[],
  clusterId: string,
): NonNullable<PlanDecision['supersedes']> {
  const ids = facts
    .filter((host) => host.clusterId === clusterId)
    .flatMap((host) => [host, ...(host.etcd?.members ?? []), ...host.knownMembers])
    .flatMap((known) => ('memberId' in known ? known.memberId : 'id' in known ? known.id : undefined) ?? []);
  const memberIds = [...new Set(ids)].sort().slice(0, MOST_MEMBERS);
  return memberIds.length === 0 ? { clusterId } : { clusterId, memberIds };
}

function planSnapshot(manifest: SnapshotManifest): PlanDecision['snapshot'] {
  const etcdVersion = versionOfSnapshot(manifest);
  return {
    id: manifest.id,
    sha256: manifest.sha256,
    sizeBytes: manifest.sizeBytes,
    revision: manifest.revision,
    hasTrailer: manifest.hasTrailer,
    grade: manifest.grade,
    takenAt: manifest.takenAt,
    takenBy: manifest.agent,
    ...(manifest.clusterId === undefined ? {} : { clusterId: manifest.clusterId }),
    ...(manifest.keyCount === undefined ? {} : { keyCount: manifest.keyCount }),
    ...(etcdVersion === undefined ? {} : { etcdVersion }),
  };
}

function restoreHost(host: HostFacts): RestoreHost {
  return {
    ...planHost(host),
    toolPath: host.tool?.path ?? '',
    toolVersion: host.tool?.version ?? '',
  };
}
