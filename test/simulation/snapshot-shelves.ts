import { AgentError } from '../../src/base/agent-error.ts';
import type { HostFacts } from '../../src/formats/host-facts.ts';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import type { SnapshotManifest } from '../../src/formats/snapshot-manifest.ts';
import { refuseUnprovedSnapshot, type Candidate } from '../../src/restore/choose-snapshot.ts';
import type { PlanWish } from '../../src/restore/plan-wish.ts';
import { sampleManifest } from '../support/control-samples.ts';
import type { Rules } from './rules.ts';
import type { SeededRandom } from './seeded-random.ts';
import { SimulatedSnapshots } from './simulated-snapshots.ts';

export type Shelves = ReadonlyMap<string, SimulatedSnapshots>;

/** Proved by its trailer and held somewhere in every world. */
const OLDER = sampleManifest({
  id: '20261123T140000Z-h1-r1200-abc122',
  revision: 1200,
  sha256: 'a0'.repeat(32),
});
const NEWER = sampleManifest({ revision: 1234, sha256: 'ab'.repeat(32) });
/** Taken of a database file, without a hash of its own. */
const COPIED: SnapshotManifest = { ...NEWER, kind: 'copied', hasTrailer: false, grade: 'raw', proofs: [] };

/**
 * What the hosts hold before the restore: copies of two snapshots on some of them. The newer one may have no proof, may have failed it on one
 * disk, or may have been found wrong on some host whatever its bytes are.
 */
export function stockShelves(random: SeededRandom, hosts: readonly string[]): Shelves {
  const shelves = new Map(hosts.map((host) => [host, new SimulatedSnapshots()]));
  const newer = random.chance(0.15) ? COPIED : NEWER;
  for (const manifest of [OLDER, newer]) {
    const sure = random.pick(hosts);
    for (const [host, shelf] of shelves) if (host === sure || random.chance(0.7)) shelf.store(manifest);
  }
  if (random.chance(0.25)) findWrong(random, shelves.get(random.pick(hosts)), newer);
  return shelves;
}

function findWrong(
  random: SeededRandom,
  shelf: SimulatedSnapshots | undefined,
  { id }: SnapshotManifest,
): void {
  if (random.chance(0.5)) shelf?.rot(id);
  shelf?.fail(id, random.chance(0.5) ? { ofContent: true } : {});
}

type Chosen = Pick<RestorePlan['decided'], 'snapshot' | 'holders' | 'skipHashCheck' | 'reason'>;

/** What the product decides of it for an operator who wants the newest, or the newer one by its name, and takes the newest where that is refused. */
export function chooseFrom(shelves: Shelves, random: SeededRandom, choose: Rules['chooseSnapshot']): Chosen {
  const skipHashCheck = random.chance(0.3);
  const wish: PlanWish = {
    snapshot: 'latest',
    ...{ skipHashCheck, discardCurrent: false, allowForeign: false, disarmAlarms: false, without: [] },
    ...(skipHashCheck ? { reason: 'simulation' } : {}),
  };
  const named = { ...wish, snapshot: { id: NEWER.id } };
  const chosen =
    (random.chance(0.3) ? chosenFor(named, shelves, choose) : undefined) ?? chosenFor(wish, shelves, choose);
  if (chosen === undefined) throw new Error('the older snapshot is held somewhere');
  return chosen;
}

function chosenFor(wish: PlanWish, shelves: Shelves, choose: Rules['chooseSnapshot']): Chosen | undefined {
  const { skipHashCheck, reason } = wish;
  try {
    const chosen = choose(wish, factsOf(shelves), OLDER.clusterId);
    refuseUnprovedSnapshot(wish, chosen.manifest);
    return { ...planned(chosen), skipHashCheck, ...(reason === undefined ? {} : { reason }) };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return undefined;
  }
}

/** As much of them as the choice looks at. */
function factsOf(shelves: Shelves): HostFacts[] {
  return [...shelves].map(
    ([agent, shelf]) => ({ agent, generations: [], snapshots: shelf.list() }) as unknown as HostFacts,
  );
}

function planned({ manifest, holders }: Candidate): Pick<Chosen, 'snapshot' | 'holders'> {
  const { id, sha256, sizeBytes, revision, hasTrailer, grade, takenAt, agent, clusterId, keyCount } =
    manifest;
  return {
    snapshot: {
      ...{ id, sha256, sizeBytes, revision, hasTrailer, grade, takenAt, takenBy: agent },
      ...(clusterId === undefined ? {} : { clusterId }),
      ...(keyCount === undefined ? {} : { keyCount }),
    },
    holders: [...holders],
  };
}
