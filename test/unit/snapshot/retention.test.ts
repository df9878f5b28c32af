import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Grade, SnapshotManifest } from '../../../src/formats/snapshot-manifest.ts';
import { isProved } from '../../../src/snapshot/grade.ts';
import { compareNewest } from '../../../src/snapshot/newest-first.ts';
import { chooseExpired } from '../../../src/snapshot/retention.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const LETTERS: Record<string, Grade> = { r: 'raw', h: 'hashed', b: 'booted', f: 'failed' };

/** `h1 f2` is a hashed one of hour 1 and a failed one of hour 2; `i` is a hashed import. */
function history(words: string): SnapshotManifest[] {
  return words.split(' ').map((word) =>
    sampleManifest({
      id: word,
      grade: LETTERS[word.charAt(0)] ?? 'hashed',
      trigger: word.startsWith('i') ? 'import' : 'schedule',
      takenAt: new Date(Date.UTC(2026, 0, 1, Number(word.slice(1)))).toISOString(),
    }),
  );
}

test.each([
  ['nothing goes while there are no more than the number kept', 'h1 b2 h3', 3, ''],
  ['the oldest proved go first', 'h3 h1 b2 h4', 2, 'h1 b2'],
  ['failed ones never push out good ones', 'h1 h2 f3 f4 f5', 2, ''],
  ['a failed one goes when enough newer proved ones exist', 'f1 h2 h3', 2, 'f1'],
  ['a failed one stays while too few newer proved ones exist', 'h1 f2 h3', 2, ''],
  ['unproved ones never push out proved ones', 'h1 r2 r3 r4', 2, 'r2'],
  ['proved ones never push out unproved ones', 'r1 h2 h3 h4', 2, 'h2'],
  ['what a person brought stays, and does not count', 'i1 h2 i3 h4 h5', 2, 'h2'],
  ['to keep none means to keep one', 'h1 h2', 0, 'h1'],
])('%s', (_rule, words, keep, expired) => {
  expect(chooseExpired(history(words), { keep }).join(' ')).toBe(expired);
});

test('what is in use stays, and the snapshot just taken by a host whose clock was set back', () => {
  const expired = chooseExpired(history('h1 h2 h3 h9'), { keep: 1, protect: new Set(['h1', 'h3']) });

  expect(expired).toEqual(['h2']);
});

const anyHistory = fc.uniqueArray(
  fc.record({
    hour: fc.nat({ max: 40 }),
    letter: fc.constantFrom('r', 'h', 'b', 'f', 'i'),
    number: fc.nat({ max: 400 }),
  }),
  { selector: ({ number }) => number, maxLength: 25 },
);

test('whatever happened before, the newest proved snapshot survives, and a second run removes nothing', () => {
  fc.assert(
    fc.property(anyHistory, fc.integer({ min: -1, max: 6 }), (events, keep) => {
      const all = events.map(({ hour, letter, number }) => ({
        ...(history(`${letter}${hour}`)[0] ?? sampleManifest()),
        id: `${letter}${number}`,
      }));
      const expired = new Set(chooseExpired(all, { keep }));
      const left = all.filter(({ id }) => !expired.has(id));
      expect([...left].sort(compareNewest).find(isProved)).toEqual(
        [...all].sort(compareNewest).find(isProved),
      );
      expect(chooseExpired(left, { keep })).toEqual([]);
    }),
  );
});
