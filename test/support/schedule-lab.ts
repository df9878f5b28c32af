import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { parseScheduleRecord, type ScheduleRecord } from '../../src/formats/schedule-record.ts';
import type { Log } from '../../src/observe/log.ts';
import { startSchedule, type Schedule, type ScheduleOptions } from '../../src/schedule/start-schedule.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const PATIENCE_MS = 10_000;

/** A schedule whose job notes what happens to it. */
interface ScheduledJob {
  readonly schedule: Schedule;
  /** The due times that runs were told. */
  readonly dues: readonly string[];
  /** `level sentence` of each line that was logged. */
  readonly said: readonly string[];
  readonly aborted: () => boolean;
  /** Resolves when no run goes on and the last one is on disk. */
  readonly idle: () => Promise<void>;
  /** Ends the `endless` run that goes on. */
  readonly finish: () => void;
}

type Asked = Partial<Omit<ScheduleOptions, 'run'>> & {
  readonly cron: string;
  /** What each run does; without it, it ends at once. */
  readonly run?: 'endless' | Error;
};

/** Schedules under fake time, over one record file. All are closed with it. */
export interface ScheduleLab extends AsyncDisposable {
  readonly directory: string;
  readonly recordPath: string;
  scheduled(asked: Asked): Promise<ScheduledJob>;
  /** The record, as soon as there is one. */
  recordOnDisk(): Promise<ScheduleRecord>;
}

export async function openScheduleLab(now: Date): Promise<ScheduleLab> {
  const directory = await temporaryDirectory();
  const recordPath = join(directory.path, 'schedule.json');
  const schedules: Schedule[] = [];
  // Files stay real: only what a schedule waits for is faked.
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now });
  return {
    directory: directory.path,
    recordPath,
    scheduled: async (asked) => {
      const job = await startJob(asked, recordPath);
      schedules.push(job.schedule);
      return job;
    },
    recordOnDisk: async () => {
      await until(async () => (await readFile(recordPath, 'utf8').catch(() => '')) !== '');
      return parseScheduleRecord(await readFile(recordPath, 'utf8'), recordPath);
    },
    [Symbol.asyncDispose]: async () => {
      for (const schedule of schedules) await schedule.close();
      vi.useRealTimers();
      await directory[Symbol.asyncDispose]();
    },
  };
}

export async function advance(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Lets real file work go on while the fake time stands still. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const begun = performance.now();
  while (!(await holds())) {
    if (performance.now() - begun > PATIENCE_MS) throw new Error(`it did not come true: ${holds.toString()}`);
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

async function startJob({ run, ...asked }: Asked, recordPath: string): Promise<ScheduledJob> {
  const dues: string[] = [];
  const said: string[] = [];
  let aborted = false;
  let finish = (): void => undefined;
  const schedule = await startSchedule({
    timeZone: 'UTC',
    jitterMs: 0,
    catchUp: true,
    recordPath,
    clock: fakedClock,
    random: () => 0,
    log: listening(said),
    ...asked,
    run: async (signal, due) => {
      dues.push(due.toISOString());
      if (run instanceof Error) throw run;
      if (run === undefined) return 'done';
      await new Promise<void>((resolve, reject) => {
        finish = resolve;
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason as Error);
        });
      });
      return 'done';
    },
  });
  return {
    schedule,
    dues,
    said,
    aborted: () => aborted,
    idle: () => until(() => !schedule.status().running),
    finish: () => {
      finish();
    },
  };
}

/** Vitest's fake time, seen through our own door. */
const fakedClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', abort, { once: true });
    }),
};

function listening(said: string[]): Log {
  const hear =
    (level: string) =>
    (_: object, message: string): void => {
      said.push(`${level} ${message}`);
    };
  const log: Log = {
    debug: hear('debug'),
    info: hear('info'),
    warn: hear('warn'),
    error: hear('error'),
    with: () => log,
  };
  return log;
}
