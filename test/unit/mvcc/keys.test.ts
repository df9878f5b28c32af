import { expect, test } from 'vitest';
import { parseAlarmKey } from '../../../src/mvcc/alarm-key.ts';
import { parseRevisionKey, revisionKeyOf, subRevisionAt } from '../../../src/mvcc/revision-key.ts';

test('a revision is two numbers, and its tombstone is marked', () => {
  const key = Buffer.from('00000000000012345f0000000000000002', 'hex');

  expect(parseRevisionKey(key)).toEqual({ main: 0x1234, isTombstone: false });
  expect(subRevisionAt(key, 0)).toBe(2);
  expect(revisionKeyOf(0x1234, 2)).toEqual(key);
  const tombstone = Buffer.concat([key, Buffer.from('t')]);
  expect(parseRevisionKey(tombstone)).toEqual({ main: 0x1234, isTombstone: true });
  const within = Buffer.concat([Buffer.from('before'), tombstone, Buffer.from('behind')]);
  expect(parseRevisionKey(within, 6, 18)).toEqual({ main: 0x1234, isTombstone: true });
});

test.each([
  ['', 'nothing'],
  ['00000000000012345f00000000000002', 'a byte too few'],
  ['00000000000012345f000000000000000278', 'another mark'],
  ['00000000000012345e0000000000000002', 'another separator'],
  ['ffffffffffffffff5f0000000000000002', 'a negative number'],
  ['00200000000000005f0000000000000002', '2^53'],
])('%s is no revision: %s', (hex) => {
  expect(parseRevisionKey(Buffer.from(hex, 'hex'))).toBeUndefined();
});

test('an alarm names its member as etcd prints it, and its kind', () => {
  // AlarmMember{memberID: 0x8e9e05c52164694d, alarm: NOSPACE}.
  expect(parseAlarmKey(Buffer.from('08cdd2918bd2b881cf8e011001', 'hex'))).toEqual({
    memberId: '8e9e05c52164694d',
    alarm: 'NOSPACE',
  });
  expect(parseAlarmKey(Buffer.from('08011002', 'hex'))).toEqual({
    memberId: '0000000000000001',
    alarm: 'CORRUPT',
  });
  expect(parseAlarmKey(Buffer.from('08011007', 'hex'))).toMatchObject({ alarm: 'ALARM_7' });
});

test.each(['ff', '08', '0880', '0a0161', `08${'ff'.repeat(12)}`, '0801'.repeat(40)])(
  '%s is no alarm',
  (hex) => {
    expect(parseAlarmKey(Buffer.from(hex, 'hex'))).toBeUndefined();
  },
);
