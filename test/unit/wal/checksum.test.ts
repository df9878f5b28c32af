import { expect, test } from 'vitest';
import { continueCrc } from '../../../src/wal/checksum.ts';
import { Crc32c } from '../../support/crc32c.ts';

test('the sum of known bytes is the one of RFC 3720', () => {
  expect(continueCrc(0, Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(continueCrc(0, Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(continueCrc(0, Buffer.from('123456789'))).toBe(0xe3069283);
});

test('a sum goes on wherever it was left, at any length', () => {
  const bytes = Buffer.from(Array.from({ length: 100 }, (_, at) => (at * 37) & 0xff));
  const slow = new Crc32c();
  slow.add(bytes);

  for (let at = 0; at <= bytes.length; at += 1) {
    expect(continueCrc(continueCrc(0, bytes.subarray(0, at)), bytes.subarray(at))).toBe(slow.value);
  }
});
