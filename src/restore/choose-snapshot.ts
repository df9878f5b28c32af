import { AgentError } from '../base/agent-error.ts';
import type { HostFacts } from '../formats/host-facts.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { compareGrade, isProved } from '../snapshot/grade.ts';
import { rankCandidates, type Lineage } from '../snapshot/ranking.ts';
import { lineageOf } from './lineage-of.ts';
import type { PlanWish } from './plan-wish.ts';

/** A snapshot and the agents that hold it. */
export interface Candidate {
  readonly manifest: SnapshotManifest;
  readonly holders: readonly string[];
}

/** @throws {AgentError} `SNAPSHOT_UNKNOWN`, `NO_SNAPSHOT`, `GUARD_FOREIGN_SNAPSHOT`. */
export function chooseSnapshot(
  wish: PlanWish,
  facts: readonly HostFacts[],
  clusterId: string | undefined,
): Candidate {
  const generations = facts.flatMap((host) => host.generations);
  const lineage = (manifest: SnapshotManifest): Lineage => lineageOf(manifest, clusterId, generations);
  const candidates = candidatesOf(facts);
  if (wish.snapshot === 'latest') return chooseLatest(wish, rankCandidates(candidates, lineage), lineage);
  const { id } = wish.snapshot;
  const chosen = candidates.find(({ manifest }) => manifest.id === id);
  if (chosen === undefined) throw new AgentError('SNAPSHOT_UNKNOWN', `no agent holds a snapshot ${id}`);
  if (lineage(chosen.manifest) === 'foreign' && !wish.allowForeign) {
    throw new AgentError(
      'GUARD_FOREIGN_SNAPSHOT',
      `${id} is of cluster ${chosen.manifest.clusterId ?? 'unknown'}, the hosts are of ${clusterId ?? 'unknown'}`,
    );
  }
  return chosen;
}

function chooseLatest(
  wish: PlanWish,
  ranked: readonly Candidate[],
  lineage: (manifest: SnapshotManifest) => Lineage,
): Candidate {
  const offered = ranked.filter(({ manifest }) => {
    const relation = lineage(manifest);
    if (relation === 'discarded') return false;
    return (relation !== 'foreign' || wish.allowForeign) && (isProved(manifest) || wish.skipHashCheck);
  });
  const best = offered[0];
  if (best !== undefined) return best;
  throw new AgentError(
    'NO_SNAPSHOT',
    ranked.length === 0
      ? 'no agent holds a snapshot'
      : `none of the ${ranked.length} snapshots is proved and of this cluster: name one with --snapshot to see why`,
  );
}

/**
 * The same id with other bytes is another file. A file whose proof failed is offered by nobody who failed; one whose bytes were
 * right and whose content was wrong, by nobody at all.
 */
function candidatesOf(facts: readonly HostFacts[]): Candidate[] {
  const found = new Map<string, { manifest: SnapshotManifest; holders: string[] }>();
  const condemned = new Set(condemnedOf(facts).map(({ manifest }) => bytesOf(manifest)));
  for (const host of facts) {
    for (const manifest of host.snapshots) {
      const isFailed = manifest.grade === 'failed';
      if (!isFailed && condemned.has(bytesOf(manifest))) continue;
      const key = `${bytesOf(manifest)} ${isFailed ? 'failed' : ''}`;
      const known = found.get(key);
      if (known === undefined) {
        found.set(key, { manifest, holders: [host.agent] });
        continue;
      }
      known.holders.push(host.agent);
      // The bytes are the same: what was proved of them on one host holds for all.
      if (compareGrade(manifest.grade, known.manifest.grade) < 0) known.manifest = manifest;
    }
  }
  return [...found.values()].sort(
    (a, b) => Number(a.manifest.grade === 'failed') - Number(b.manifest.grade === 'failed'),
  );
}

interface Condemned {
  readonly agent: string;
  readonly manifest: SnapshotManifest;
  readonly reason: string;
}

/** Snapshots that some host found wrong although their bytes are what they should be. */
function condemnedOf(facts: readonly HostFacts[]): Condemned[] {
  return facts.flatMap(({ agent, snapshots }) =>
    snapshots.flatMap((manifest) => {
      if (manifest.grade !== 'failed') return [];
      const proof = manifest.proofs.find(({ grade, ofContent }) => grade === 'failed' && ofContent === true);
      return proof === undefined ? [] : [{ agent, manifest, reason: proof.by ?? 'no reason kept' }];
    }),
  );
}

/** What the operator must know of newer snapshots that are not offered, however high their revision is. */
export function condemnedWarnings(facts: readonly HostFacts[], { manifest }: Candidate): string[] {
  return condemnedOf(facts)
    .filter((other) => other.manifest.revision > manifest.revision)
    .map(
      ({ agent, manifest: { id, revision }, reason }) =>
        `${id} has revision ${revision} and is not offered: on ${agent} ${reason.replaceAll('\n', ' ')}.`,
    );
}

function bytesOf({ id, sha256 }: SnapshotManifest): string {
  return `${id} ${sha256}`;
}

/** @throws {AgentError} `SNAPSHOT_HASH_MISMATCH`, or `SNAPSHOT_UNPROVED` unless the operator said so in words. */
export function refuseUnprovedSnapshot(wish: PlanWish, manifest: SnapshotManifest): void {
  if (manifest.grade === 'failed') {
    const proof = manifest.proofs.find(({ grade }) => grade === 'failed');
    throw new AgentError(
      'SNAPSHOT_HASH_MISMATCH',
      `${manifest.id} failed its proof: ${proof?.by ?? 'no reason kept'}`,
    );
  }
  if (isProved(manifest) || (wish.skipHashCheck && wish.reason !== undefined)) return;
  throw new AgentError('SNAPSHOT_UNPROVED', `${manifest.id} is a copied database without a hash of its own`);
}
