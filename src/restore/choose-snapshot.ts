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

/** The same id with other bytes is another file, and a file whose proof failed anywhere is offered by nobody who failed. */
function candidatesOf(facts: readonly HostFacts[]): Candidate[] {
  const found = new Map<string, { manifest: SnapshotManifest; holders: string[] }>();
  for (const host of facts) {
    for (const manifest of host.snapshots) {
      const key = `${manifest.id} ${manifest.sha256} ${manifest.grade === 'failed' ? 'failed' : ''}`;
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
