import { expect, test } from 'vitest';
import { formatFields, formatTable, indent } from '../../../src/cli/table.ts';

test('columns are as wide as their widest cell, numbers stand at the right, no line ends in blanks', () => {
  const lines = formatTable(
    [{ header: 'ID' }, { header: 'SIZE', align: 'right' }, { header: 'NOTE' }],
    [
      ['a-long-name', '7', ''],
      ['b', '1,234,567', 'x'],
    ],
  );

  expect(lines).toEqual([
    'ID                SIZE  NOTE',
    'a-long-name          7',
    'b            1,234,567  x',
  ]);
});

test('colours do not push the next column away', () => {
  const lines = formatTable([{ header: 'A' }, { header: 'B' }], [['\u001B[31mred\u001B[39m', 'x']]);

  expect(lines).toEqual(['A    B', '\u001B[31mred\u001B[39m  x']);
});

test('a table without rows is its headers', () => {
  expect(formatTable([{ header: 'A' }, { header: 'B' }], [])).toEqual(['A  B']);
});

test('fields without a value are left out, and the others line up', () => {
  expect(
    formatFields([
      ['id', 'x'],
      ['revision', undefined],
      ['size', '1 B'],
    ]),
  ).toEqual(['id    x', 'size  1 B']);
});

test('an empty line stays empty when lines are moved to the right', () => {
  expect(indent(['a', ''])).toEqual(['  a', '']);
});
