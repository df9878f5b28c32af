import { execa } from 'execa';
import { builtEtcd, systemEtcd } from './provide-etcd.ts';
import { formatFailures, formatSum, formatTable, sumOf, type Row } from './report.ts';
import { runTests, type TestRun } from './run-tests.ts';

// What .ci/run runs when the machine is ready: the checks of the code, then every test where it belongs. Tests that meet
// etcd run on the system's and on the newest that is widely run; a restore, on each.

const SUITES = ['unit', 'contract', 'integration', 'cluster'];
const NEWEST_IN_USE = '3.6';
const OTHERS = ['3.5', '3.7'];
/** What every test that starts etcd imports, if only through others. */
const ETCD_AT_HAND = 'test/support/etcd-binaries.ts';
const RESTORE_STORY = ['test/cluster/restore.test.ts', 'test/cluster/revision-bump.test.ts'];

const started = performance.now();
const skippedTests = new Set<string>();

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Says when a stage begins, and what it took. */
async function stage<T>(name: string, run: () => Promise<T>): Promise<T> {
  const from = performance.now();
  say(`\n== ${name} (at ${secondsSince(started)} s)`);
  try {
    return await run();
  } finally {
    say(`== ${name}: ${secondsSince(from)} s`);
  }
}

function secondsSince(from: number): string {
  return ((performance.now() - from) / 1000).toFixed(0);
}

/** @throws {Error} with its exit status when it fails. */
async function npmRun(...args: string[]): Promise<void> {
  await execa('npm', ['run', '--silent', ...args], { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' });
}

async function runRow(etcd: string, suite: string, run: TestRun): Promise<Row> {
  const outcome = await stage(`etcd ${etcd}: ${suite}`, () => runTests(run));
  for (const name of outcome.skippedTests) skippedTests.add(name);
  return { etcd, node: process.versions.node, suite, outcome };
}

async function onBuilt(minor: string, suite: string, run: TestRun): Promise<Row> {
  const etcd = await builtEtcd(minor);
  if (!('missing' in etcd))
    return await runRow(etcd.version, suite, { ...run, etcdDirectory: etcd.directory });
  say(`skipped: ${suite} on etcd ${etcd.version}: ${etcd.missing}`);
  return { etcd: etcd.version, node: process.versions.node, suite, outcome: { notRun: etcd.missing } };
}

/** Two rows of stages at once: what meets processes waits more than it computes. */
async function runAllTests(): Promise<Row[]> {
  const { version } = await systemEtcd();
  const ends = await Promise.allSettled([runSuites(version), runBesideSuites(version)]);
  return ends.flatMap((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

async function runSuites(version: string): Promise<Row[]> {
  const everything = { args: ['run', ...projects(SUITES)] };
  return [
    await runRow(version, SUITES.join(', '), everything),
    await onBuilt(NEWEST_IN_USE, 'cluster', meetingEtcd('cluster')),
  ];
}

async function runBesideSuites(version: string): Promise<Row[]> {
  const isBesideAnother = true;
  // The first makes the packages that the second installs.
  const rows = [
    await runRow(version, 'package', { args: ['run', ...projects(['package'])], isBesideAnother }),
    await runRow(version, 'hosts', { args: ['run', ...projects(['hosts'])], isBesideAnother }),
  ];
  const restores = { args: ['run', ...RESTORE_STORY], isBesideAnother };
  for (const minor of OTHERS) rows.push(await onBuilt(minor, 'restore', restores));
  const integration = { ...meetingEtcd('integration'), isBesideAnother };
  rows.push(await onBuilt(NEWEST_IN_USE, 'integration', integration));
  return rows;
}

function meetingEtcd(project: string): TestRun {
  return { args: ['related', ETCD_AT_HAND, ...projects([project])] };
}

function projects(names: readonly string[]): string[] {
  return names.flatMap((name) => ['--project', name]);
}

/** Two things at once, which is what the smallest machine has cores for. */
async function checkAndBuild(): Promise<void> {
  const made = async (): Promise<void> => {
    await stage('build', () => npmRun('build'));
    await stage('etcd', () => Promise.all([NEWEST_IN_USE, ...OTHERS].map(builtEtcd)));
  };
  const ends = await Promise.allSettled([stage('checks of the code', () => npmRun('check:code')), made()]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function main(): Promise<void> {
  await checkAndBuild();
  const rows = await runAllTests();
  for (const name of skippedTests) say(`skipped: ${name}`);
  const sum = sumOf(rows);
  say(
    `\n${formatTable(rows)}\n${formatFailures(rows)}All of it took ${secondsSince(started)} s.\n${formatSum(sum)}`,
  );
  if (sum.failed > 0 || sum.passed === 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  say(formatSum({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 1;
}
