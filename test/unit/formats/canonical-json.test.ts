import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalSha256 } from '../../../src/formats/canonical-json.ts';

test('the order of keys does not matter, at any depth; the order of lists does', () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, inner]) => [key, reversed(inner)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(canonicalSha256(reversed(value))).toBe(canonicalSha256(value));
    }),
  );
  expect(canonicalSha256([1, 2])).not.toBe(canonicalSha256([2, 1]));
});

test('it is the SHA-256 of the text that anybody can write down', () => {
  // printf '{"a":[1,{"c":null,"d":"x"}],"b":true}' | sha256sum
  expect(canonicalSha256({ b: true, a: [1, { d: 'x', c: null }] })).toBe(
    'f6658db83e97a2fdd06cd6f6f955685cab902bd0bb29f1fba8ecd342f46352e3',
  );
});
