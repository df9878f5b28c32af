import { execa } from 'execa';
import { etcdBinary, findEtcdBinary } from '../support/etcd-binaries.ts';
import { startLab, type LabCluster } from '../support/lab-cluster.ts';
import type { BenchmarkResult } from './benchmark-result.ts';
import { fillDatabase, LARGE_DATABASE_FLAGS, type ValueSizes } from './fill-database.ts';
import { measurePairs, timed } from './paired-rounds.ts';
import { peakRssMib, peakRssOfRun, resetPeakRss } from './process-memory.ts';

interface VerifyBenchmark {
  readonly name: string;
  readonly sizeMib: number;
  readonly valueBytes: ValueSizes;
  readonly rounds: number;
  readonly directory: string;
  readonly say: (text: string) => void;
}

interface Side {
  readonly tookMs: number;
  readonly peakMib: number;
}

/** No slower than the tool that compares no sum and checks no structure. */
const LIMIT = 1;

/**
 * `lifeboat snapshot verify` by a running agent against `snapshot status` of etcd's tool, of the same stored file, as a user waits for them: from the
 * disk, where a snapshot is when it is verified some day, and from the page cache.
 */
export async function benchmarkVerify(benchmark: VerifyBenchmark): Promise<BenchmarkResult[]> {
  const { name, sizeMib, valueBytes, rounds, directory, say } = benchmark;
  await using lab = await startLab({ hosts: 1, directory, etcdFlags: LARGE_DATABASE_FLAGS });
  await lab.untilHealthy();
  say(`${name}: filling a database of ${sizeMib} MiB`);
  await fillDatabase(lab.host(0).clientUrl, sizeMib, valueBytes);
  const stored = await storeSnapshot(lab);
  const measure = async (what: string, before: () => Promise<unknown>): Promise<BenchmarkResult> => {
    const results = await measurePairs<Side>(
      rounds,
      {
        ours: async () => {
          await before();
          return await verifyWithLifeboat(lab, stored.id);
        },
        theirs: async () => {
          await before();
          return await statusOf(stored.path);
        },
      },
      (round, ours, theirs) => {
        const which = round === 0 ? 'not counted' : `round ${round}`;
        say(`${what}: ${which}: ${inWords(ours)} against ${inWords(theirs)}`);
      },
    );
    return resultOf(what, results);
  };
  return [
    await measure(name, () => leavePageCache(stored.path)),
    await measure(`${name}-cached`, () => Promise.resolve()),
  ];
}

function resultOf(name: string, results: readonly { ours: Side; theirs: Side }[]): BenchmarkResult {
  return {
    name,
    limit: LIMIT,
    pairs: results.map(({ ours, theirs }) => ({ oursMs: ours.tookMs, theirsMs: theirs.tookMs })),
    peakRssMib: Math.max(...results.map(({ ours }) => ours.peakMib)),
    theirPeakRssMib: Math.max(...results.map(({ theirs }) => theirs.peakMib)),
  };
}

/** coreutils asks the kernel to forget the pages of this one file: no other program is slowed. */
async function leavePageCache(path: string): Promise<void> {
  await execa('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
}

async function storeSnapshot(lab: LabCluster): Promise<{ id: string; path: string }> {
  const { manifest, path } = await lab.json<{ manifest: { id: string }; path: string }>(
    lab.host(0),
    'snapshot',
    'save',
  );
  return { id: manifest.id, path };
}

async function verifyWithLifeboat(lab: LabCluster, id: string): Promise<Side> {
  const host = lab.host(0);
  await resetPeakRss(lab.agentPid(host));
  const tookMs = await timed(async () => {
    const { exitCode, stdout, stderr } = await lab.cli(host, 'snapshot', 'verify', id);
    if (exitCode !== 0) throw new Error(`snapshot verify: ${stdout}${stderr}`);
  });
  return { tookMs, peakMib: await peakRssMib(lab.agentPid(host)) };
}

async function statusOf(path: string): Promise<Side> {
  const tool = findEtcdBinary('etcdutl');
  const env = tool === undefined ? { ETCDCTL_API: '3' } : {};
  let peakMib = 0;
  const tookMs = await timed(async () => {
    const run = execa(tool ?? etcdBinary('etcdctl'), ['snapshot', 'status', path], { env });
    peakMib = await peakRssOfRun(run.pid ?? 0, run);
  });
  return { tookMs, peakMib };
}

function inWords({ tookMs, peakMib }: Side): string {
  return `${Math.round(tookMs)} ms and ${Math.ceil(peakMib)} MiB`;
}
