import { execa } from 'execa';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');

export interface TestRun {
  /** After `vitest`. */
  readonly args: readonly string[];
  /** Directory of etcd and its tools; what the system has where it is absent. */
  readonly etcdDirectory?: string | undefined;
  /** Directory of `node`; the one that runs this where it is absent. */
  readonly nodeDirectory?: string | undefined;
  /** Its output is printed in one piece when it is over, as another run prints meanwhile. */
  readonly isBesideAnother?: boolean;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface TestOutcome extends Counts {
  readonly seconds: number;
  /** Full names of the tests that were skipped. */
  readonly skippedTests: readonly string[];
  /** Full names of the tests that failed, and the paths of files that could not be loaded. */
  readonly failedTests: readonly string[];
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/**
 * Runs vitest in a process of its own and counts. Its output goes to ours. A run that left no report, or whose
 * exit status is a failure that no test accounts for, counts as one failure.
 */
export async function runTests(run: TestRun): Promise<TestOutcome> {
  const scratch = await mkdtemp(join(tmpdir(), 'lifeboat-tests-'));
  const report = join(scratch, 'report.json');
  const started = performance.now();
  try {
    const { exitCode, all } = await execa(
      run.nodeDirectory === undefined ? process.execPath : join(run.nodeDirectory, 'node'),
      [VITEST, ...run.args, '--run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
      {
        cwd: ROOT,
        env: environmentOf(run),
        stdin: 'ignore',
        ...(run.isBesideAnother === true ? { all: true } : { stdout: 'inherit', stderr: 'inherit' }),
        reject: false,
      },
    );
    const printed: unknown = all;
    if (typeof printed === 'string') process.stdout.write(`${printed}\n`);
    const counted = await countReport(report);
    const unexplained = exitCode !== 0 && counted.failed === 0 ? 1 : 0;
    return {
      ...counted,
      failed: counted.failed + unexplained,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Programs that the tests start by name (`node`, `npm`) are of that Node too. */
function environmentOf({ etcdDirectory, nodeDirectory }: TestRun): Record<string, string> {
  const path = process.env['PATH'] ?? '';
  return {
    ...(etcdDirectory === undefined ? {} : { LIFEBOAT_ETCD_BIN: etcdDirectory }),
    ...(nodeDirectory === undefined ? {} : { PATH: `${nodeDirectory}${delimiter}${path}` }),
  };
}

async function countReport(path: string): Promise<Omit<TestOutcome, 'seconds'>> {
  let report: Report;
  try {
    report = JSON.parse(await readFile(path, 'utf8')) as Report;
  } catch {
    return { passed: 0, failed: 1, skipped: 0, skippedTests: [], failedTests: [] };
  }
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  // A file that cannot be loaded has no tests of its own to count.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const failed = tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  const failedTests = [...failed, ...broken.map(({ name }) => name)];
  const others = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  return {
    passed,
    failed: failedTests.length,
    skipped: others.length,
    skippedTests: others.map(({ fullName }) => fullName),
    failedTests,
  };
}
