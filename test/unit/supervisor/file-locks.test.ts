import { expect, test } from 'vitest';
import { parseLocks } from '../../../src/supervisor/file-locks.ts';

test('held locks are read with their holders, those that wait are left out', () => {
  const text = [
    '1: OFDLCK ADVISORY  WRITE -1 00:36:765 0 EOF',
    '2: FLOCK  ADVISORY  WRITE 835 fe:01:717 0 EOF',
    '2: -> FLOCK  ADVISORY  WRITE 836 fe:01:717 0 EOF',
    '3: POSIX  MSNFS     READ  7 103:12345:9 0 EOF',
    '4: LEASE  ACTIVE    READ  8 00:15:9 0 EOF',
    '',
  ].join('\n');
  expect(parseLocks(text)).toEqual([
    { identity: `54:765` },
    { pid: 835, identity: `65025:717` },
    { pid: 7, identity: `${(0x123 << 20) + (0x103 << 8) + 0x45}:9` },
    { pid: 8, identity: `21:9` },
  ]);
});
