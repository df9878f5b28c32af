import { expect, test } from 'vitest';
import { givenPlanFlags, planRequestOf } from '../../../src/cli/plan-request.ts';

test('without options the newest proved snapshot is asked for, and nothing is allowed', () => {
  expect(planRequestOf({}, '/root')).toEqual({
    source: { from: 'latest' },
    skipHashCheck: false,
    discardCurrent: false,
    allowForeign: false,
    disarmAlarms: false,
    without: [],
  });
});

test.each([
  [{ snapshot: 'latest' }, { from: 'latest' }],
  [{ snapshot: 'id-1' }, { from: 'snapshot', id: 'id-1' }],
  [{ file: 'backup/db' }, { from: 'file', path: '/root/backup/db' }],
  [{ file: '/mnt/db' }, { from: 'file', path: '/mnt/db' }],
  [{ fromMember: 'h2' }, { from: 'member', agent: 'h2' }],
])('the source %o is %o', (options, source) => {
  expect(planRequestOf(options, '/root').source).toEqual(source);
});

test.each([
  [{ bumpRevision: '1,000,000' }, { bumpRevision: 1_000_000 }],
  [{ bumpRevision: '5_000' }, { bumpRevision: 5000 }],
  [{ bumpRevision: false } as const, { bumpRevision: false }],
  [{ allowNewerSnapshot: true }, { allowNewerSnapshot: true }],
  [{ rehearsal: false }, { rehearse: false }],
])('%o is asked for as %o', (options, asked) => {
  expect(planRequestOf(options, '/')).toMatchObject(asked);
});

test('a host that is named twice is left out once', () => {
  expect(planRequestOf({ without: ['h3', 'h3', 'h2'] }, '/').without).toEqual(['h3', 'h2']);
});

test.each([
  [{ snapshot: 'a', file: 'b' }, '--snapshot and --file exclude each other'],
  [{ file: 'a', fromMember: 'h1' }, '--file and --from-member exclude each other'],
  [{ skipHashCheck: true }, '--skip-hash-check and --reason go together'],
  [{ reason: 'because' }, '--skip-hash-check and --reason go together'],
  [{ skipHashCheck: true, reason: '' }, 'reason: '],
  [{ fromMember: 'not a host' }, 'source.agent: must be a host name'],
  [{ snapshot: '../../etc' }, 'source.id: must be a snapshot id'],
  [{ without: ['-x'] }, 'without.0: must be a host name'],
  [{ bumpRevision: '0' }, '--bump-revision takes a whole number from 1 to 1,000,000,000,000, and got 0'],
  [{ bumpRevision: '1e9' }, 'and got 1e9'],
  [{ bumpRevision: '1,000,000,000,001' }, 'and got 1,000,000,000,001'],
])('%o is refused as wrong usage', (options, message) => {
  expect(() => planRequestOf(options, '/')).toThrow(
    expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(message) as string }) as Error,
  );
});

test('options that were given are named as they are typed', () => {
  expect(givenPlanFlags({ fromMember: 'h1', disarmAlarms: true, without: ['h2'] })).toEqual([
    '--from-member',
    '--disarm-alarms',
    '--without',
  ]);
});

test('of the rehearsal only its refusal is a flag that was given', () => {
  // Commander says `true` where `--no-rehearsal` was not typed.
  expect(givenPlanFlags({ rehearsal: true })).toEqual([]);
  expect(givenPlanFlags({ rehearsal: false })).toEqual(['--no-rehearsal']);
  expect(planRequestOf({ rehearsal: true }, '/')).not.toHaveProperty('rehearse');
});
