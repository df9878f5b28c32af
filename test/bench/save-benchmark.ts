import { execa } from 'execa';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdBinary } from '../support/etcd-binaries.ts';
import { startLab, type LabCluster } from '../support/lab-cluster.ts';
import type { BenchmarkResult } from './benchmark-result.ts';
import { fillDatabase, LARGE_DATABASE_FLAGS } from './fill-database.ts';
import { measurePairs, timed } from './paired-rounds.ts';
import { peakRssMib, resetPeakRss } from './process-memory.ts';

interface SaveBenchmark {
  readonly name: string;
  readonly sizeMib: number;
  readonly rounds: number;
  readonly directory: string;
  readonly say: (text: string) => void;
}

/** No slower than the tool that proves nothing and leaves its name unsynced. */
const LIMIT = 1;

/** `lifeboat snapshot save` by a running agent against `etcdctl snapshot save` of the same member, as a user waits for them. */
export async function benchmarkSave(benchmark: SaveBenchmark): Promise<BenchmarkResult> {
  const { name, sizeMib, rounds, directory, say } = benchmark;
  await using lab = await startLab({ hosts: 1, directory, etcdFlags: LARGE_DATABASE_FLAGS });
  await lab.untilHealthy();
  say(`${name}: filling a database of ${sizeMib} MiB`);
  await fillDatabase(lab.host(0).clientUrl, sizeMib);
  const peaks: number[] = [];
  const results = await measurePairs(
    rounds,
    {
      ours: async () => {
        const { tookMs, peakMib } = await saveWithLifeboat(lab);
        peaks.push(peakMib);
        return tookMs;
      },
      theirs: () => saveWithEtcdctl(lab, join(directory, 'etcdctl.db')),
    },
    (round, oursMs, theirsMs) => {
      const which = round === 0 ? 'not counted' : `round ${round}`;
      say(`${name}: ${which}: ${Math.round(oursMs)} ms against ${Math.round(theirsMs)} ms`);
    },
  );
  return {
    name,
    limit: LIMIT,
    pairs: results.map(({ ours, theirs }) => ({ oursMs: ours, theirsMs: theirs })),
    peakRssMib: Math.max(...peaks),
  };
}

async function saveWithLifeboat(lab: LabCluster): Promise<{ tookMs: number; peakMib: number }> {
  const host = lab.host(0);
  await settleDisk();
  await resetPeakRss(lab.agentPid(host));
  const tookMs = await timed(async () => {
    const { exitCode, stderr } = await lab.cli(host, 'snapshot', 'save');
    if (exitCode !== 0) throw new Error(`snapshot save: ${stderr}\n${await lab.agentLog(host)}`);
  });
  const peakMib = await peakRssMib(lab.agentPid(host));
  const { snapshots } = await lab.json<{ snapshots: { id: string }[] }>(host, 'snapshot', 'list');
  for (const { id } of snapshots) await lab.cli(host, 'snapshot', 'delete', '--force', id);
  return { tookMs, peakMib };
}

async function saveWithEtcdctl(lab: LabCluster, path: string): Promise<number> {
  await settleDisk();
  const args = ['--endpoints', lab.host(0).clientUrl, 'snapshot', 'save', path];
  const tookMs = await timed(() => execa(etcdBinary('etcdctl'), args, { env: { ETCDCTL_API: '3' } }));
  await rm(path);
  return tookMs;
}

/** What was written before must not be charged to whoever syncs next. */
export async function settleDisk(): Promise<void> {
  await execa('sync');
}
