import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { LiveBlock } from '../../../src/cli/live-block.ts';
import { openProgressDisplay } from '../../../src/cli/progress-display.ts';
import { progressLine } from '../../../src/cli/progress-line.ts';
import { formatAge, formatClockTime, formatTime } from '../../../src/cli/times.ts';
import { TransferRate } from '../../../src/cli/transfer-rate.ts';
import { readWritten } from '../../support/read-written.ts';

const MIB = 2 ** 20;

function handClock(startMs: number): Clock & { nowMs: number } {
  return {
    nowMs: startMs,
    now() {
      return this.nowMs;
    },
    sleep: () => Promise.resolve(),
  };
}

test('a line of progress says phase, amount, share, rate and what is left', () => {
  const line = progressLine({ phase: 'streaming', bytes: 256 * MIB, totalBytes: 1024 * MIB }, 64 * MIB);

  expect(line).toBe('streaming  256 MiB / 1.0 GiB  25%  64.0 MiB/s  12 s left');
});

test('what is not known is left out of a line of progress', () => {
  expect(progressLine({ phase: 'connecting' })).toBe('connecting');
  expect(progressLine({ phase: 'copying', bytes: 0, totalBytes: 0 }, 0)).toBe('copying  0 B / 0 B  0 B/s');
});

test('a database that outgrows its estimate is never done before it is', () => {
  expect(progressLine({ phase: 'streaming', bytes: 1100, totalBytes: 1000 })).toContain('99%');
  expect(progressLine({ phase: 'streaming', bytes: 1000, totalBytes: 1000 })).toContain('100%');
});

test('the rate is that of the last five seconds, and unknown in the first half second', () => {
  const rate = new TransferRate();
  expect(rate.add(0, 0)).toBeUndefined();
  expect(rate.add(400, 400)).toBeUndefined();
  expect(rate.add(1_000, 1_000)).toBe(1_000);
  for (let second = 2; second <= 20; second += 1) rate.add(second * 1_000, 1_000);
  expect(rate.add(21_000, 1_000)).toBe(0);
});

test('a trickle slower than the window still has a rate', () => {
  const rate = new TransferRate();
  rate.add(0, 0);
  expect(rate.add(20_000, 2_000)).toBe(100);
  expect(rate.add(40_000, 6_000)).toBe(200);
});

test('a count that begins again makes no negative rate', () => {
  const rate = new TransferRate();
  rate.add(0, 0);
  rate.add(1_000, 5_000);
  expect(rate.add(2_000, 100)).toBeUndefined();
  expect(rate.add(3_000, 300)).toBe(200);
});

test('without a terminal there is a line at each phase, and else each five seconds', () => {
  const stream = new PassThrough();
  const clock = handClock(Date.parse('2026-11-23T12:00:00Z'));
  const display = openProgressDisplay(stream, clock);
  for (let second = 0; second < 11; second += 1) {
    display.show({ phase: 'streaming', bytes: second * MIB });
    clock.nowMs += 1_000;
  }
  display.show({ phase: 'proving' });
  display.clear();

  expect(readWritten(stream).split('\n')).toEqual([
    '12:00:00Z streaming  0 B',
    '12:00:05Z streaming  5.0 MiB  1.0 MiB/s',
    '12:00:10Z streaming  10.0 MiB  1.0 MiB/s',
    '12:00:11Z proving',
    '',
  ]);
});

test('on a terminal one line is written over, and taken away at the end', () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 40 });
  const display = openProgressDisplay(stream, handClock(0));
  display.show({ phase: 'connecting' });
  display.show({ phase: 'streaming', bytes: MIB });
  display.clear();
  display.clear();

  expect(readWritten(stream)).toBe('connecting\n\u001B[1A\r\u001B[Jstreaming  1.0 MiB\n\u001B[1A\r\u001B[J');
});

test('a line wider than the terminal is cut, and loses its colours with its end', () => {
  const stream = Object.assign(new PassThrough(), { columns: 10 });
  new LiveBlock(stream).show(['\u001B[31m0123456789abc\u001B[39m', '\u001B[31mred\u001B[39m']);

  expect(readWritten(stream)).toBe('01234567…\n\u001B[31mred\u001B[39m\n');
});

test('a terminal that says it is 0 wide is taken for one of 80', () => {
  const stream = Object.assign(new PassThrough(), { columns: 0, rows: 0 });
  new LiveBlock(stream).show(['x'.repeat(100)]);

  expect(readWritten(stream)).toBe(`${'x'.repeat(78)}…\n`);
});

test('more lines than the screen has rows are left out at the bottom', () => {
  const stream = Object.assign(new PassThrough(), { columns: 10, rows: 3 });
  const block = new LiveBlock(stream);
  block.show(['1', '2', '3', '4']);
  block.clear();

  expect(readWritten(stream)).toBe('1\n2\n\u001B[2A\r\u001B[J');
});

test('times are in UTC and say so; a clock ahead of ours makes no negative age', () => {
  expect(formatTime('2026-11-23T14:30:00.123Z')).toBe('2026-11-23 14:30:00 UTC');
  expect(formatClockTime(0)).toBe('00:00:00Z');
  expect(formatAge('2026-11-23T14:30:00Z', Date.parse('2026-11-23T15:00:00Z'))).toBe('30m 0s ago');
  expect(formatAge('2026-11-23T15:00:10Z', Date.parse('2026-11-23T15:00:00Z'))).toBe('just now');
});
