import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOfText, keyText } from '../../../src/mvcc/key-text.ts';

test('every key is read back from how it is shown', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.array(fc.nat(0x10ffff)).map((points) => Buffer.from(String.fromCodePoint(...points))),
      ),
      (bytes) => {
        const key = Buffer.from(bytes);
        const shown = keyText(key);
        expect(keyOfText(shown)).toEqual(key);
        // Nothing that moves a cursor, joins another letter or is lost at the end of a line.
        expect(/[^\p{L}\p{N}\p{P}\p{S} ]|^ | $/u.test(shown)).toBe(false);
      },
    ),
    { numRuns: 500 },
  );
});

test.each([
  ['/registry/pods/default/web-0', '/registry/pods/default/web-0'],
  ['a key with blanks', 'a key with blanks'],
  [' leading', '\\x20leading'],
  ['trailing ', 'trailing\\x20'],
  [' ', '\\x20'],
  ['C:\\x41', 'C:\\\\x41'],
  ['ключ/鍵', 'ключ/鍵'],
  ['line\nbreak\ttab\rreturn', 'line\\nbreak\\ttab\\rreturn'],
  ['\u001b[31mred', '\\x1b[31mred'],
  // An e with an accent of its own is another key than the letter é.
  ['e\u0301', 'e\\xcc\\x81'],
  // Text that would be shown from right to left.
  ['a\u202eb', 'a\\xe2\\x80\\xaeb'],
  ['\ufeffmarked', '\\xef\\xbb\\xbfmarked'],
])('%j is shown as %s', (key, shown) => {
  expect(keyText(Buffer.from(key))).toBe(shown);
});

test('a key that is not UTF-8 shows its ASCII', () => {
  expect(keyText(Buffer.from('ff616220c3a9fe5c', 'hex'))).toBe('\\xffab\\x20\\xc3\\xa9\\xfe\\\\');
});

test.each(['\\', 'a\\', '\\q', '\\x', '\\x1', '\\x1g', '\\u0041'])('%s is no key', (text) => {
  expect(() => keyOfText(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
