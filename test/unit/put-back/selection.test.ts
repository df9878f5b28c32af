import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rangesOf, tallySelection, type Selection } from '../../../src/put-back/selection.ts';

function selectionOf(keys: readonly string[], prefixes: readonly string[]): Selection {
  const bytes = (texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text, 'latin1'));
  return { keys: bytes(keys), prefixes: bytes(prefixes) };
}

function shown(selection: Selection): (string | undefined)[][] {
  return rangesOf(selection).map(({ start, end }) => [start.toString('latin1'), end?.toString('latin1')]);
}

test('keys and prefixes become ranges in key order', () => {
  expect(shown(selectionOf(['/z', '/a'], ['/m/']))).toEqual([
    ['/a', '/a\0'],
    ['/m/', '/m0'],
    ['/z', '/z\0'],
  ]);
});

test('what lies within something else, or touches it, is not met twice', () => {
  expect(shown(selectionOf(['/m/1', '/m0'], ['/m/', '/m/x/', '/m/']))).toEqual([['/m/', '/m0\0']]);
  expect(shown(selectionOf(['/a'], ['']))).toEqual([['', undefined]]);
});

test('a prefix of the largest bytes has no end, and one that ends in them ends before', () => {
  expect(shown(selectionOf([], ['\xff\xff']))).toEqual([['\xff\xff', undefined]]);
  expect(shown(selectionOf([], ['a\xff']))).toEqual([['a\xff', 'b']]);
});

test('a key is in the ranges exactly when it was named or begins as named, and in one of them only', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\xff'), maxLength: 4 });
  const named = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\xff'), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(named), fc.array(text), text, (keys, prefixes, key) => {
      const bytes = Buffer.from(key, 'latin1');
      const within = rangesOf(selectionOf(keys, prefixes)).filter(
        ({ start, end }) => bytes.compare(start) >= 0 && (end === undefined || bytes.compare(end) < 0),
      );
      const isNamed = keys.includes(key) || prefixes.some((prefix) => key.startsWith(prefix));
      expect(within).toHaveLength(isNamed ? 1 : 0);
    }),
  );
});

test('what was named and met no key is told', () => {
  const tally = tallySelection(selectionOf(['/a', '/b'], ['/m/', '/n/', '']));
  for (const key of ['/a', '/m/1']) tally.met(Buffer.from(key));
  const { keys, prefixes } = tally.unmet;
  expect([keys, prefixes].map((words) => words.map(String))).toEqual([['/b'], ['/n/']]);
});
