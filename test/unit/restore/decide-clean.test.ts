import { expect, test } from 'vitest';
import { decideClean, type CleanWish, type SetAside } from '../../../src/restore/decide-clean.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-11-23T15:00:00Z');

function aged(operation: string, days: number, name = 'member'): SetAside {
  const path = `/data/${name}.before-${operation}`;
  return { path, operation, kind: 'before', sizeBytes: 1, sinceMs: NOW - days * DAY_MS };
}

const found = [aged('new', 20), aged('new', 20, 'wal'), aged('old', 40), aged('middle', 30)];

function goes(wish: Partial<CleanWish>, items: readonly SetAside[] = found): string[] {
  return decideClean(items, { olderThanMs: 14 * DAY_MS, nowMs: NOW, ...wish }).flatMap(
    ({ item, keptBecause }) => (keptBecause === undefined ? [item.operation] : []),
  );
}

test('what is older than stated may go, and the newest stays whatever its age', () => {
  expect(goes({})).toEqual(['old', 'middle']);
  expect(goes({ olderThanMs: 35 * DAY_MS })).toEqual(['old']);
  expect(goes({ olderThanMs: 0 })).toEqual(['old', 'middle']);
  expect(goes({}, [aged('only', 400)])).toEqual([]);
  expect(goes({}, [])).toEqual([]);
});

test('an operation that is named goes with both its halves and alone, also when it is the newest', () => {
  expect(goes({ operation: 'new' })).toEqual(['new', 'new']);
  expect(goes({ operation: 'middle' })).toEqual(['middle']);
});

test('a clock that was set back makes nothing old enough', () => {
  expect(goes({ nowMs: NOW - 400 * DAY_MS, olderThanMs: 1 })).toEqual([]);
});

test('what stays says why', () => {
  const choices = decideClean(found, { olderThanMs: 35 * DAY_MS, nowMs: NOW });
  expect(choices.map(({ keptBecause }) => keptBecause)).toEqual([
    undefined,
    'not old enough',
    'the newest: only when it is named, restore clean new',
    'the newest: only when it is named, restore clean new',
  ]);
});
