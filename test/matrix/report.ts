import type { Counts, TestOutcome } from './run-tests.ts';

/** One line of the table. */
export interface Row {
  readonly etcd: string;
  readonly node: string;
  readonly suite: string;
  readonly outcome: TestOutcome | { readonly notRun: string };
}

const HEAD = ['etcd', 'Node', 'suite', 'passed', 'failed', 'skipped', 'seconds'];

/** What could not be run counts as one that was skipped: it is not a success, and nobody's failure. */
export function sumOf(rows: readonly Row[]): Counts {
  const counts = rows.map(({ outcome }) =>
    'notRun' in outcome ? { passed: 0, failed: 0, skipped: 1 } : outcome,
  );
  const sum = (key: keyof Counts): number => counts.reduce((total, one) => total + one[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

export function formatTable(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** A line for each test that failed, and where: above, its own words may be thousands of lines away. */
export function formatFailures(rows: readonly Row[]): string {
  return rows
    .flatMap(({ etcd, node, outcome }) =>
      'notRun' in outcome
        ? []
        : outcome.failedTests.map((name) => `failed on etcd ${etcd}, Node ${node}: ${name}\n`),
    )
    .join('');
}

function cellsOf({ etcd, node, suite, outcome }: Row): string[] {
  if ('notRun' in outcome) return [etcd, node, suite, '-', '-', '1', '-', outcome.notRun];
  const { passed, failed, skipped, seconds } = outcome;
  return [etcd, node, suite, `${passed}`, `${failed}`, `${skipped}`, seconds.toFixed(0)];
}

/** The plain last line of a run. */
export function formatSum({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
