import { expect, test } from 'vitest';
import { KeyTable, type KeyBytes } from '../../../src/mvcc/key-table.ts';

function key(text: string): KeyBytes {
  const bytes = Buffer.from(`..${text}.`);
  return { bytes, start: 2, end: bytes.length - 1 };
}

test('a table gives back the newest revision of each of many keys, and none for others', () => {
  const table = new KeyTable();
  for (let round = 1; round <= 2; round += 1) {
    for (let index = 0; index < 20_000; index += round)
      table.set(key(`/registry/pods/${index}`), round * 100_000 + index);
  }

  expect(table.size).toBe(20_000);
  const wrong = Array.from({ length: 20_000 }, (_, index) => index).filter(
    (index) => table.get(key(`/registry/pods/${index}`)) !== (index % 2 === 0 ? 200_000 : 100_000) + index,
  );
  expect(wrong).toEqual([]);
  expect(table.get(key('/registry/pods/20000'))).toBe(-1);
  expect(new KeyTable().get(key('a'))).toBe(-1);
});

test('the empty key is a key', () => {
  const table = new KeyTable();
  table.set(key(''), 7);
  expect(table.get(key(''))).toBe(7);
  expect(table.get(key('\0'))).toBe(-1);
});
