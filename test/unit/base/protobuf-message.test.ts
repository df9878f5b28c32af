import { expect, test } from 'vitest';
import { bytesIn, idIn, numberIn, parseMessage } from '../../../src/base/protobuf-message.ts';

function parse(hex: string, messageBytes?: number): ReturnType<typeof parseMessage> {
  return parseMessage(Buffer.from(hex, 'hex'), messageBytes);
}

test.each([
  ['00', '0000000000000000'],
  ['7f', '000000000000007f'],
  ['ffffffff0f', '00000000ffffffff'],
  ['8080808010', '0000000100000000'],
  ['cdd2918bd2b881cf8e01', '8e9e05c52164694d'],
  ['ffffffffffffffffff01', 'ffffffffffffffff'],
])('a number of 64 bits (%s) is read in full', (hex, id) => {
  const message = parse(`08${hex}`);

  expect(message && idIn(message, 1)).toBe(id);
});

test('a number is exact or none', () => {
  const message = parse('08ffffffffffffff0f' + '1080808080808080' + '10' + '1801');

  expect(message && numberIn(message, 1)).toBe(Number.MAX_SAFE_INTEGER);
  expect(message && numberIn(message, 2)).toBeUndefined();
  expect(message && numberIn(message, 3)).toBe(1);
  // As protobuf has it: what is not written is 0.
  expect(message && numberIn(message, 4)).toBe(0);
});

test('fields of all wire types are passed over, and the last of several counts', () => {
  const message = parse('0801' + '110000000000000000' + '1d00000000' + '2202' + 'abcd' + '0802');

  expect(message && numberIn(message, 1)).toBe(2);
  expect(message && bytesIn(message, 4)).toEqual({ start: 18, end: 20 });
});

test('only bytes that are the last field may reach beyond what is at hand, and nothing beyond the message', () => {
  const message = parse('0801' + '1a7f' + 'abcd', 131);

  expect(message && bytesIn(message, 3)).toEqual({ start: 4, end: 131 });
  expect(parse('0801' + '1a7f' + 'abcd', 132)).toBeUndefined();
  expect(parse('0801' + '1a7f' + 'abcd', 130)).toBeUndefined();
  expect(parse('0801' + '1a7f' + 'abcd')).toBeUndefined();
});

test.each([
  ['zeros', '0000'],
  ['a tag without a value', '08'],
  ['a number of eleven bytes', '08' + '80'.repeat(10) + '01'],
  ['a group', '0b0c'],
  ['a tag beyond 32 bits', '8880808080100101'],
])('%s: no message', (_name, hex) => {
  expect(parse(hex)).toBeUndefined();
});
