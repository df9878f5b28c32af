import { describe, expect, test } from 'vitest';
import { cellsOf } from '../../matrix/cells.ts';
import { parseOptions, type MatrixOptions } from '../../matrix/options.ts';
import { formatFailures, formatSum, formatTable, sumOf, type Row } from '../../matrix/report.ts';

const KNOWN = { etcd: ['3.6', '3.7'], node: ['20', '22'] };

const NOTHING: MatrixOptions = { suites: [] };

function asked(...args: string[]): string[] {
  const options = parseOptions(args, KNOWN) ?? NOTHING;
  const cells = cellsOf(options, { ...KNOWN, ownNode: '20' });
  return cells.map(({ etcd, node = 'own', suite }) => `${etcd} ${node} ${suite}`);
}

describe('the matrix', () => {
  test('runs each etcd on the Node at hand, and each other Node on the etcd at hand', () => {
    expect(asked('--suite', 'cluster')).toEqual([
      'system own cluster',
      '3.6 own cluster',
      '3.7 own cluster',
      'system 22 cluster',
    ]);
    expect(asked()).toHaveLength(8);
  });

  test('runs what it is asked for and nothing else', () => {
    expect(asked('--etcd', '3.7,3.6', '--suite', 'cluster,integration')).toEqual([
      '3.6 own integration',
      '3.6 own cluster',
      '3.7 own integration',
      '3.7 own cluster',
    ]);
    expect(asked('--node', '20,22', '--suite', 'unit')).toEqual(['system 20 unit', 'system 22 unit']);
    expect(asked('--node', '22', '--etcd', '3.6', '--suite', 'unit')).toEqual(['3.6 22 unit']);
  });

  test.each([
    [['--etcd', '3.4'], '--etcd takes a list of system,3.6,3.7, and not "3.4"'],
    [['--node', '18'], '--node takes'],
    [['--suite', ''], '--suite takes'],
    [['--ectd', '3.6'], '--ectd'],
  ])('refuses %j', (args, words) => {
    expect(() => asked(...args)).toThrow(words);
  });
});

test('what could not be run is told with its reason, and counts as skipped', () => {
  const ran = { passed: 12, failed: 1, skipped: 2, seconds: 61.4, skippedTests: [], failedTests: ['a host'] };
  const rows: Row[] = [
    { etcd: '3.4.23 (system)', node: '20.20.2', suite: 'cluster', outcome: ran },
    { etcd: '3.6.16', node: '20.20.2', suite: 'cluster', outcome: { notRun: 'no Go toolchain to build it' } },
  ];

  expect(formatSum(sumOf(rows))).toBe('12 passed, 1 failed, 3 skipped');
  expect(formatTable(rows).split('\n')).toEqual([
    'etcd             Node     suite    passed  failed  skipped  seconds',
    '3.4.23 (system)  20.20.2  cluster  12      1       2        61',
    '3.6.16           20.20.2  cluster  -       -       1        -        no Go toolchain to build it',
    '',
  ]);
  expect(formatFailures(rows)).toBe('failed on etcd 3.4.23 (system), Node 20.20.2: a host\n');
});
