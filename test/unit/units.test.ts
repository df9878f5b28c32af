import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration } from '../../src/base/units.ts';

test('bytes are shown in the unit a person would choose', () => {
  expect([0, 1023, 1536, 1 << 20, 150 * 2 ** 20, 8 * 2 ** 30].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '1.0 MiB',
    '150 MiB',
    '8.0 GiB',
  ]);
});

test('durations are shown in the two largest units', () => {
  expect([250, 3200, 12_000, 93_500, 3_700_000, 200_000_000].map(formatDuration)).toEqual([
    '250 ms',
    '3.2 s',
    '12 s',
    '1m 34s',
    '1h 1m',
    '2d 7h',
  ]);
});

test('counts have separators', () => {
  expect(formatCount(1234567)).toBe('1,234,567');
});
