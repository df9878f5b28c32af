import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import type { ScheduleRecord } from '../../../src/formats/schedule-record.ts';
import { advance, openScheduleLab, until, type ScheduleLab } from '../../support/schedule-lab.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let lab: ScheduleLab;

beforeEach(async () => {
  lab = await openScheduleLab(new Date('2026-03-02T10:00:30Z'));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await lab[Symbol.asyncDispose]();
});

test('a job runs at each due time, and is told which', async () => {
  const job = await lab.scheduled({ cron: '*/15 * * * *' });
  expect(job.schedule.status()).toMatchObject({ next: '2026-03-02T10:15:00.000Z', running: false });

  await advance(14 * MINUTE);
  expect(job.dues).toEqual([]);
  await advance(MINUTE);
  await job.idle();
  expect(job.schedule.status().counts.done).toBe(1);
  await advance(15 * MINUTE);
  await job.idle();
  expect(job.schedule.status().counts.done).toBe(2);

  expect(job.dues).toEqual(['2026-03-02T10:15:00.000Z', '2026-03-02T10:30:00.000Z']);
  expect(job.schedule.status()).toMatchObject({
    next: '2026-03-02T10:45:00.000Z',
    last: { dueAt: '2026-03-02T10:30:00.000Z', late: false, outcome: 'done' },
    dropped: 0,
    missed: 0,
  });
});

test('due times are those of the time zone', async () => {
  const job = await lab.scheduled({ cron: '0 3 * * *', timeZone: 'Europe/Berlin' });
  expect(job.schedule.status().next).toBe('2026-03-03T02:00:00.000Z');
});

test('what the scheduling library does when clocks are set forward is told in advance', async () => {
  vi.setSystemTime(new Date('2026-03-28T12:00:00Z'));
  const job = await lab.scheduled({ cron: '30 2 * * *', timeZone: 'Europe/Berlin' });
  // 02:30 does not exist on the 29th in Berlin: that day has no run.
  expect(job.schedule.status().next).toBe('2026-03-30T00:30:00.000Z');
  expect(job.said).toContain(
    'warn the schedule is not in UTC: when clocks change, runs of that hour may be left out',
  );
});

test('a run waits for its share of the jitter', async () => {
  const job = await lab.scheduled({ cron: '0 * * * *', jitterMs: 30_000, random: () => 0.5 });
  await advance(59 * MINUTE + 30_000 + 14_000);
  expect(job.schedule.status().running).toBe(true);
  expect(job.dues).toEqual([]);

  await advance(2000);
  await until(() => job.dues.length === 1);
  expect(job.schedule.status().last?.startedAt).toBe('2026-03-02T11:00:15.000Z');
});

test('a run that is due while one goes on is dropped and counted', async () => {
  const job = await lab.scheduled({ cron: '* * * * *', run: 'endless' });
  await advance(30_000);
  await until(() => job.dues.length === 1);
  await advance(3 * MINUTE);

  expect(job.dues).toHaveLength(1);
  expect(job.schedule.status()).toMatchObject({ running: true, dropped: 3, missed: 0 });
  job.finish();
  await job.idle();
  await advance(MINUTE);
  await until(() => job.dues.length === 2);
});

test('a run that fails is recorded, and the next one runs', async () => {
  const failure = new AgentError('NO_SPACE', 'the disk is full');
  const job = await lab.scheduled({ cron: '* * * * *', run: failure });
  await advance(30_000);
  await job.idle();
  expect(job.schedule.status().counts.failed).toBe(1);
  expect(job.schedule.status().last).toMatchObject({
    outcome: 'failed',
    error: { code: 'NO_SPACE', message: 'the disk is full' },
  });
  expect(job.said).toContain('error the scheduled run failed');

  await advance(MINUTE);
  await job.idle();
  expect(job.schedule.status().counts.failed).toBe(2);
});

test('runs that were due while the agent was down are made up for by one', async () => {
  const before = await lab.scheduled({ cron: '0 * * * *' });
  await before.schedule.close();
  vi.setSystemTime(Date.now() + 5 * HOUR);

  const after = await lab.scheduled({ cron: '0 * * * *' });
  await after.idle();
  expect(after.schedule.status().counts.done).toBe(1);
  expect(after.dues).toEqual(['2026-03-02T11:00:00.000Z']);
  expect(after.schedule.status()).toMatchObject({ missed: 1, last: { late: true, outcome: 'done' } });
  expect(after.schedule.status().next).toBe('2026-03-02T16:00:00.000Z');

  await after.schedule.close();
  const again = await lab.scheduled({ cron: '0 * * * *' });
  expect(again.schedule.status()).toMatchObject({ running: false, missed: 1 });
});

test('without catch-up a missed run is only counted, and counted once', async () => {
  await (await lab.scheduled({ cron: '0 * * * *' })).schedule.close();
  vi.setSystemTime(Date.now() + 5 * HOUR);
  const after = await lab.scheduled({ cron: '0 * * * *', catchUp: false });
  expect(after.schedule.status()).toMatchObject({ running: false, missed: 1 });
  await after.schedule.close();
  const again = await lab.scheduled({ cron: '0 * * * *', catchUp: false });
  expect(again.schedule.status()).toMatchObject({ running: false, missed: 1 });
});

test('the first start owes nothing, nor does a start before the next due time', async () => {
  const first = await lab.scheduled({ cron: '0 * * * *' });
  expect(first.schedule.status().running).toBe(false);
  await first.schedule.close();
  vi.setSystemTime(Date.now() + 20 * MINUTE);
  const second = await lab.scheduled({ cron: '0 * * * *' });
  expect(second.schedule.status()).toMatchObject({ running: false, missed: 0 });
});

test('a run that is still waiting out its jitter when the agent stops is owed to the next start', async () => {
  const before = await lab.scheduled({ cron: '0 * * * *', jitterMs: 30_000, random: () => 0.9 });
  await advance(59 * MINUTE + 30_000 + 1000);
  expect(before.schedule.status().running).toBe(true);
  await before.schedule.close();
  expect(before.dues).toEqual([]);

  const after = await lab.scheduled({ cron: '0 * * * *' });
  await until(() => after.dues.length === 1);
  expect(after.dues).toEqual(['2026-03-02T11:00:00.000Z']);
});

test('closing aborts the run that goes on, waits for it, and leaves the truth on disk', async () => {
  const job = await lab.scheduled({ cron: '* * * * *', run: 'endless' });
  await advance(30_000);
  await until(() => job.dues.length === 1);
  expect((await lab.recordOnDisk()).last).toMatchObject({ dueAt: '2026-03-02T10:01:00.000Z' });
  expect((await lab.recordOnDisk()).last).not.toHaveProperty('endedAt');

  await job.schedule.close();
  expect(job.aborted()).toBe(true);
  expect(await lab.recordOnDisk()).toMatchObject({
    last: { outcome: 'interrupted', endedAt: '2026-03-02T10:01:00.000Z' },
    counts: { interrupted: 1, failed: 0 },
  });
  await advance(5 * MINUTE);
  expect(job.dues).toHaveLength(1);
});

test('a run that died with its agent is made up for once, so that a deadly run is not repeated for ever', async () => {
  await writeFile(
    lab.recordPath,
    JSON.stringify({
      version: 1,
      nextDueAt: '2026-03-02T11:00:00.000Z',
      last: { dueAt: '2026-03-02T10:00:00.000Z', startedAt: '2026-03-02T10:00:01.000Z', late: false },
      counts: { done: 7, skipped: 0, failed: 0, interrupted: 0, dropped: 0, missed: 0 },
    } satisfies ScheduleRecord),
  );
  const second = await lab.scheduled({ cron: '0 * * * *', run: 'endless' });
  await until(() => second.dues.length === 1);
  expect(second.dues).toEqual(['2026-03-02T10:00:00.000Z']);
  expect(second.schedule.status().counts).toMatchObject({ done: 7, interrupted: 1 });
  await second.schedule.close();

  const third = await lab.scheduled({ cron: '0 * * * *' });
  expect(third.schedule.status()).toMatchObject({ running: false, counts: { interrupted: 2 } });
});

test('due times that passed while the event loop was blocked are made up for by one run', async () => {
  const job = await lab.scheduled({ cron: '* * * * * *', run: 'endless' });
  await advance(1000);
  await until(() => job.dues.length === 1);
  job.finish();
  await job.idle();
  expect(job.schedule.status().counts.done).toBe(1);

  vi.setSystemTime(Date.now() + 5500);
  await advance(1000);
  await until(() => job.dues.length === 2);
  expect(job.schedule.status().missed).toBeGreaterThanOrEqual(4);
});

test('nothing runs twice when the clock is set back a little', async () => {
  const job = await lab.scheduled({ cron: '*/15 * * * *' });
  await advance(15 * MINUTE);
  await until(() => job.dues.length === 1);
  vi.setSystemTime(Date.now() - 1500);
  await advance(2 * MINUTE);
  expect(job.dues).toHaveLength(1);
});

test('a clock that was far ahead and is corrected does not end the snapshots', async () => {
  vi.setSystemTime(new Date('2031-01-01T00:00:30Z'));
  const job = await lab.scheduled({ cron: '0 * * * *' });
  expect(job.schedule.status().next).toBe('2031-01-01T01:00:00.000Z');

  vi.setSystemTime(new Date('2026-03-02T10:00:30Z'));
  await advance(2 * MINUTE);
  await advance(HOUR);
  await until(() => job.dues.length === 1);
  expect(job.dues).toEqual(['2026-03-02T11:00:00.000Z']);
});

test('a clock that is set forward past a due time leads to one late run within a minute', async () => {
  const job = await lab.scheduled({ cron: '0 3 * * *' });
  vi.setSystemTime(new Date('2026-03-05T12:00:00Z'));
  await advance(MINUTE);
  await until(() => job.dues.length === 1);
  expect(job.dues).toEqual(['2026-03-03T03:00:00.000Z']);
  expect(job.schedule.status()).toMatchObject({ missed: 1, next: '2026-03-06T03:00:00.000Z' });
});

test('a damaged record is set aside, and one run makes sure', async () => {
  await writeFile(lab.recordPath, '{"version": 1, "nextDueAt": "soon"}');
  const job = await lab.scheduled({ cron: '0 * * * *' });
  await job.idle();
  expect(job.schedule.status().counts.done).toBe(1);
  await job.schedule.close();

  expect(await readFile(`${lab.recordPath}.damaged`, 'utf8')).toContain('soon');
  expect((await lab.recordOnDisk()).counts.done).toBe(1);
  expect(job.said[0]).toBe(
    'warn the schedule record was damaged and is set aside: a run may be one too many',
  );
});

test('runs go on when their record cannot be written, and the status says so', async () => {
  const job = await lab.scheduled({ cron: '* * * * *' });
  await lab.recordOnDisk();
  await rm(lab.recordPath);
  await mkdir(lab.recordPath);
  await advance(30_000);
  await job.idle();
  expect(job.schedule.status().counts.done).toBe(1);
  expect(job.schedule.status().recordError).toContain('EISDIR');

  await rm(lab.recordPath, { recursive: true });
  await advance(MINUTE);
  await job.idle();
  expect(job.schedule.status().counts.done).toBe(2);
  await job.schedule.close();
  expect(job.schedule.status().recordError).toBeUndefined();
  expect(await readdir(lab.directory)).toEqual(['schedule.json']);
});

test('an expression that never falls due cannot be started', async () => {
  await expect(lab.scheduled({ cron: '0 0 31 2 *' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(lab.scheduled({ cron: '* * * * *', timeZone: 'Mars/Olympus' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
});

test('the scheduling library prints nothing', async () => {
  const printers = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
    vi.spyOn(console, name),
  );
  const job = await lab.scheduled({ cron: '* * * * * *', run: new Error('no') });
  vi.setSystemTime(Date.now() + 5500);
  await advance(3000);
  await until(() => job.schedule.status().counts.failed > 0);
  expect(printers.flatMap((printer) => printer.mock.calls)).toEqual([]);
});

test.each([
  ['*/30 * * * *', 30 * MINUTE],
  ['0 2 * * *', 24 * HOUR],
  // From Friday to Monday.
  ['0 2 * * 1-5', 72 * HOUR],
  // From the evening to the morning.
  ['*/15 9-17 * * *', 15 * HOUR + 15 * MINUTE],
])('the longest wait of %s is known, with the jitter', async (cron, waitMs) => {
  const job = await lab.scheduled({ cron, jitterMs: 30_000 });
  expect(job.schedule.longestWaitMs).toBe(waitMs + 30_000);
});

test('while a run goes on, how the one before it ended is still known', async () => {
  const job = await lab.scheduled({ cron: '*/15 * * * *', run: 'endless' });
  await advance(15 * MINUTE);
  await until(() => job.dues.length === 1);
  job.finish();
  await job.idle();
  const { last } = job.schedule.status();
  expect(job.schedule.status().lastEnded).toEqual(last);

  await advance(15 * MINUTE);
  await until(() => job.dues.length === 2);

  expect(job.schedule.status().last?.endedAt).toBeUndefined();
  expect(job.schedule.status().lastEnded).toEqual(last);
  job.finish();
  await job.idle();
});
