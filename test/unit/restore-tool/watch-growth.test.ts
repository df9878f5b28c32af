import { appendFile, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { watchGrowth } from '../../../src/restore-tool/watch-growth.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;

/** Each pause does the next piece of work and takes no time; later ones do nothing. */
function clockThatRuns(work: (() => Promise<unknown>)[]): Clock & { sleptMs: number } {
  const clock = {
    sleptMs: 0,
    now: () => 0,
    sleep: async (ms: number) => {
      clock.sleptMs += ms;
      await work.shift()?.();
    },
  };
  return clock;
}

test('a tree that never comes to be is stalled after the limit', async () => {
  await using directory = await temporaryDirectory();
  const clock = clockThatRuns([]);

  const verdict = await watchGrowth(
    { paths: [join(directory.path, 'absent')], quietLimitMs: 5000, clock },
    NEVER,
  );

  expect(verdict).toBe('stalled');
  expect(clock.sleptMs).toBe(5000);
});

test('whatever changes below either path begins the limit anew', async () => {
  await using directory = await temporaryDirectory();
  const [data, wal] = [join(directory.path, 'data'), join(directory.path, 'wal')];
  await mkdir(wal);
  const idle = (): Promise<void> => Promise.resolve();
  const clock = clockThatRuns([
    ...[idle, idle, idle, () => mkdir(join(data, 'member'), { recursive: true })],
    ...[idle, idle, idle, () => writeFile(join(data, 'member', 'db'), 'page')],
    ...[idle, idle, idle, () => appendFile(join(data, 'member', 'db'), 'page')],
    ...[idle, idle, idle, () => truncate(join(data, 'member', 'db'), 4)],
    ...[idle, idle, idle, () => writeFile(join(wal, '0.wal.tmp'), '')],
    ...[idle, idle, idle, () => rename(join(wal, '0.wal.tmp'), join(wal, '0.wal'))],
    ...[idle, idle, idle, () => rm(data, { recursive: true })],
  ]);

  const verdict = await watchGrowth({ paths: [data, wal], quietLimitMs: 5000, clock }, NEVER);

  expect(verdict).toBe('stalled');
  expect(clock.sleptMs).toBe(7 * 4000 + 5000);
});

test('the watch ends when it is told to', async () => {
  await using directory = await temporaryDirectory();
  const stop = new AbortController();
  const clock: Clock = {
    now: () => 0,
    sleep: () => {
      stop.abort();
      return Promise.reject(new Error('aborted'));
    },
  };

  expect(await watchGrowth({ paths: [directory.path], quietLimitMs: 5000, clock }, stop.signal)).toBe(
    'stopped',
  );
});
