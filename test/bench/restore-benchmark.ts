import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startEtcd } from '../support/etcd-process.ts';
import { startLab, type LabCluster } from '../support/lab-cluster.ts';
import { AvailabilityProbe } from './availability-probe.ts';
import type { BenchmarkResult } from './benchmark-result.ts';
import { fillDatabase, LARGE_DATABASE_FLAGS } from './fill-database.ts';
import { planHandCluster, type HandCluster } from './hand-cluster.ts';
import { measurePairs, timed } from './paired-rounds.ts';
import { peakRssMib, resetPeakRss } from './process-memory.ts';
import { settleDisk } from './save-benchmark.ts';

interface RestoreBenchmark {
  readonly sizeMib: number;
  readonly rounds: number;
  readonly directory: string;
  readonly say: (text: string) => void;
}

const HOSTS = 3;
/** Ours also hashes, proves, syncs, decides by majority and compares HashKV. */
const WALL_LIMIT = 1.5;
/** Ours prepares while the old cluster serves. */
const DOWNTIME_LIMIT = 0.6;

interface Restored {
  readonly wallMs: number;
  readonly downtimeMs: number;
}

/**
 * Three members restored from one snapshot that only the first host holds: by the agents, and by the runbook of etcd's
 * documentation (stop, copy, restore, start). Both begin with a cluster that serves, because without one there is no
 * first stop from which a downtime could be counted; for ours that takes `--discard-current`, which adds its guards.
 *
 * Each side has a cluster of its own, and only the one that is measured runs.
 */
export async function benchmarkRestore(benchmark: RestoreBenchmark): Promise<readonly BenchmarkResult[]> {
  const { rounds, directory, say } = benchmark;
  const snapshot = join(directory, 'filled.db');
  await saveFilled(benchmark, snapshot);
  await using lab = await startLab({
    hosts: HOSTS,
    directory: join(directory, 'lab'),
    etcdFlags: LARGE_DATABASE_FLAGS,
  });
  await lab.untilHealthy();
  const { manifest } = await lab.json<{ manifest: { id: string } }>(
    lab.host(0),
    'snapshot',
    'import',
    snapshot,
  );
  await stopAgents(lab);
  await using byHand = await planHandCluster(join(directory, 'by-hand'), HOSTS);
  await byHand.provide(snapshot);
  await byHand.restore();
  await byHand.tidy();
  const peaks: number[] = [];
  const results = await measurePairs(
    rounds,
    {
      ours: () => restoreWithLifeboat(lab, manifest.id, peaks),
      theirs: () => restoreByHand(byHand),
    },
    (round, ours, theirs) => {
      const which = round === 0 ? 'not counted' : `round ${round}`;
      say(`restore: ${which}: ${describe(ours)} against ${describe(theirs)}`);
    },
  );
  const peak = Math.max(...peaks);
  const pairsOf = (key: keyof Restored) =>
    results.map(({ ours, theirs }) => ({ oursMs: ours[key], theirsMs: theirs[key] }));
  return [
    { name: 'restore', limit: WALL_LIMIT, pairs: pairsOf('wallMs'), peakRssMib: peak },
    { name: 'restore-downtime', limit: DOWNTIME_LIMIT, pairs: pairsOf('downtimeMs') },
  ];
}

async function saveFilled({ sizeMib, say }: RestoreBenchmark, path: string): Promise<void> {
  say(`restore: filling a database of ${sizeMib} MiB`);
  // Its helper leaves out the syncs: only the file that comes out counts here.
  await using etcd = await startEtcd({ flags: LARGE_DATABASE_FLAGS });
  await fillDatabase(etcd.endpoint, sizeMib);
  await etcd.ctl('snapshot', 'save', path);
}

async function restoreWithLifeboat(lab: LabCluster, snapshotId: string, peaks: number[]): Promise<Restored> {
  await Promise.all(lab.hosts.map((host) => lab.startAgent(host)));
  await lab.untilHealthy();
  const host = lab.host(0);
  const planning = ['restore', 'plan', '--snapshot', snapshotId, '--discard-current'];
  const { hash } = await lab.json<{ hash: string }>(host, ...planning);
  await using probe = new AvailabilityProbe(lab.hosts.map(({ clientUrl }) => clientUrl));
  await probe.untilServing();
  await settleDisk();
  for (const each of lab.hosts) await resetPeakRss(lab.agentPid(each));
  const wallMs = await timed(async () => {
    const { exitCode, stdout, stderr } = await lab.cli(host, 'restore', 'run', '--confirm', hash);
    if (exitCode !== 0) throw new Error(`restore run: ${stdout}${stderr}\n${await lab.agentLog(host)}`);
  });
  await probe.untilNewClusterServes();
  for (const each of lab.hosts) peaks.push(await peakRssMib(lab.agentPid(each)));
  await tidyLab(lab, snapshotId);
  return { wallMs, downtimeMs: probe.downtimeMs };
}

/** As it was before: the snapshot on the first host only, no data set aside, nothing running. */
async function tidyLab(lab: LabCluster, snapshotId: string): Promise<void> {
  const [, ...others] = lab.hosts;
  for (const host of others) await lab.json(host, 'snapshot', 'delete', '--force', snapshotId);
  await stopAgents(lab);
  for (const { dataDir } of lab.hosts) {
    for (const name of await readdir(dataDir)) {
      if (name !== 'member') await rm(join(dataDir, name), { recursive: true });
    }
  }
}

async function stopAgents(lab: LabCluster): Promise<void> {
  await Promise.all(lab.hosts.map((host) => lab.stopAgent(host, 'SIGTERM')));
}

async function restoreByHand(cluster: HandCluster): Promise<Restored> {
  cluster.start();
  await using probe = new AvailabilityProbe(cluster.clientUrls);
  await probe.untilServing();
  await settleDisk();
  const wallMs = await timed(async () => {
    await cluster.stop();
    await cluster.restore();
    cluster.start();
    await probe.untilNewClusterServes();
  });
  await cluster.stop();
  await cluster.tidy();
  return { wallMs, downtimeMs: probe.downtimeMs };
}

function describe({ wallMs, downtimeMs }: Restored): string {
  return `${Math.round(wallMs)} ms (down ${Math.round(downtimeMs)} ms)`;
}
