import { expect, test } from 'vitest';
import { PrefixSizes, type PrefixSize } from '../../../src/mvcc/prefix-sizes.ts';

function add(sizes: PrefixSizes, key: string, bytes: number): void {
  // In the middle of others, as in a page.
  const page = Buffer.from(`/before/${key}/after`);
  sizes.add({ bytes: page, start: 8, end: 8 + Buffer.byteLength(key) }, bytes);
}

function prefixes(found: readonly PrefixSize[]): string[] {
  return found.map(({ prefix }) => prefix.toString());
}

test.each([
  ['/registry/pods/default/web', 1, '/registry/'],
  ['/registry/pods/default/web', 2, '/registry/pods/'],
  ['/registry/pods/default/web', 3, '/registry/pods/default/'],
  ['/registry/pods/default/web', 9, '/registry/pods/default/'],
  ['a/b/c', 2, 'a/b/'],
  ['a/b/c', 1, 'a/'],
  ['a/', 2, 'a/'],
  ['/a', 2, '/'],
  ['//a', 2, '//'],
  ['plain', 2, ''],
  [`${'x'.repeat(300)}/a`, 2, ''],
  [`a/${'x'.repeat(300)}/b`, 2, 'a/'],
])('%s is counted, down to %i, under "%s"', (key, depth, prefix) => {
  const sizes = new PrefixSizes(depth);
  add(sizes, key, 7);

  expect(sizes.largest(5).byBytes).toEqual([{ prefix: Buffer.from(prefix), bytes: 7, revisions: 1 }]);
});

test('more prefixes than are kept cost no more memory, and no number is short by more than is said', () => {
  const sizes = new PrefixSizes(1, 100);
  const truth = new Map<string, { bytes: number; revisions: number }>();
  for (let turn = 0; turn < 5000; turn += 1) {
    const large = ['huge/', 'busy/'][turn % 50];
    const prefix = large ?? `small-${(turn * 7919) % 700}/`;
    const bytes = prefix === 'huge/' ? 1000 : 1 + (turn % 3);
    const sum = truth.get(prefix) ?? { bytes: 0, revisions: 0 };
    truth.set(prefix, { bytes: sum.bytes + bytes, revisions: sum.revisions + 1 });
    add(sizes, `${prefix}key`, bytes);
  }

  const found = sizes.largest(1000);

  expect(found.byBytes.length).toBeLessThanOrEqual(100);
  expect(prefixes(found.byBytes)[0]).toBe('huge/');
  expect(prefixes(found.byRevisions).slice(0, 2).toSorted()).toEqual(['busy/', 'huge/']);
  expect(found.missingRevisions).toBeGreaterThan(0);
  for (const { prefix, bytes, revisions } of found.byBytes) {
    const sum = truth.get(prefix.toString());
    expect(sum?.bytes).toBeGreaterThanOrEqual(bytes);
    expect(sum?.bytes).toBeLessThanOrEqual(bytes + found.missingBytes);
    expect(sum?.revisions).toBeLessThanOrEqual(revisions + found.missingRevisions);
  }
});

test('what is equally large comes in the order of names', () => {
  const sizes = new PrefixSizes(1);
  for (const key of ['c/1', 'a/1', 'b/1', 'b/2']) add(sizes, key, 1);

  expect(prefixes(sizes.largest(2).byBytes)).toEqual(['b/', 'a/']);
  expect(sizes.largest(2)).toMatchObject({ missingBytes: 0, missingRevisions: 0 });
});
