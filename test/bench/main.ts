import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isWithinLimits, type BenchmarkResult } from './benchmark-result.ts';
import type { ValueSizes } from './fill-database.ts';
import { parseOptions, USAGE, type BenchOptions } from './options.ts';
import { formatJson, formatTable } from './report.ts';
import { benchmarkRestore } from './restore-benchmark.ts';
import { benchmarkSave } from './save-benchmark.ts';
import { benchmarkVerify } from './verify-benchmark.ts';

const LARGE_FACTOR = 4;
const LARGER_VALUES = { smallestBytes: 1024, largestBytes: 100 * 1024 } as const;
const SMALL_VALUES = { smallestBytes: 100, largestBytes: 100 } as const;

type Benchmark = (directory: string) => Promise<readonly BenchmarkResult[]>;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function benchmarksOf({ sizeMib, rounds }: BenchOptions): Record<string, Benchmark> {
  const save = (name: string, mib: number): Benchmark => {
    return async (directory) => [await benchmarkSave({ name, sizeMib: mib, rounds, directory, say })];
  };
  const verify = (name: string, valueBytes: ValueSizes): Benchmark => {
    return (directory) => benchmarkVerify({ name, sizeMib, valueBytes, rounds, directory, say });
  };
  return {
    'snapshot-save': save('snapshot-save', sizeMib),
    'snapshot-save-large': save('snapshot-save-large', sizeMib * LARGE_FACTOR),
    'snapshot-verify': verify('snapshot-verify', LARGER_VALUES),
    'snapshot-verify-small': verify('snapshot-verify-small', SMALL_VALUES),
    restore: (directory) => benchmarkRestore({ sizeMib, rounds, directory, say }),
  };
}

/** Each benchmark has a directory of its own, gone before the next one begins: they are large. */
async function runAll(options: BenchOptions): Promise<BenchmarkResult[]> {
  const all = benchmarksOf(options);
  const chosen = Object.entries(all).filter(([name]) => (options.only ?? name) === name);
  if (chosen.length === 0) throw new Error(`--only takes one of ${Object.keys(all).join(', ')}`);
  const results: BenchmarkResult[] = [];
  for (const [, run] of chosen) {
    const directory = await mkdtemp(join(tmpdir(), 'lifeboat-bench-'));
    try {
      results.push(...(await run(directory)));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  return results;
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(USAGE);
    return;
  }
  const options = parseOptions(process.argv.slice(2));
  const results = await runAll(options);
  process.stdout.write(formatTable(results));
  if (options.jsonFile !== undefined) await writeFile(options.jsonFile, formatJson(results));
  if (options.isStrict && !results.every(isWithinLimits)) process.exitCode = 1;
}

await main();
