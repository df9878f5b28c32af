import { createTask, schedule, setLogger } from 'node-cron';
import { messageOf } from '../base/agent-error.ts';
import type { Log } from '../observe/log.ts';

interface TickerOptions {
  readonly cron: string;
  readonly timeZone: string;
  readonly log: Log;
  /** Called in the second in which the schedule is due. */
  readonly onDue: (due: Date) => void;
  /** Called for each due time that passed while the event loop was blocked. The library does not run these. */
  readonly onMissed: (due: Date) => void;
}

/** Enough to see the night of a schedule of every quarter of an hour, and the weekend of a daily one. */
const LOOK_AHEAD_RUNS = 128;

/** The ticks of one cron expression. Knows the library's ways, and nothing of what a tick is for. */
export interface CronTicker {
  /** The first due time after now. */
  next(): Date;
  /** The longest wait between two due times in a row, among the next ones. */
  longestWaitMs(): number;
  /** Computes the next due time anew: the library keeps the old one when the clock is set back. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts ticking. The library's jitter, overlap and run counts are left alone: they cannot be awaited, and they
 * do not see runs that it did not start.
 */
export function startTicker(options: TickerOptions): CronTicker {
  // It prints to the console, in colours, until it is told otherwise; tasks and the module have a logger each.
  const logger = loggerInto(options.log);
  setLogger(logger);
  const task = schedule(
    options.cron,
    ({ date }) => {
      options.onDue(date);
    },
    { timezone: options.timeZone, logger },
  );
  task.on('execution:missed', ({ date }) => {
    options.onMissed(date);
  });
  return {
    next: () => task.getNextRuns(1)[0] ?? new Date(NaN),
    longestWaitMs: () => longestWaitMs(task.getNextRuns(LOOK_AHEAD_RUNS)),
    restart: async () => {
      await task.stop();
      await task.start();
    },
    stop: async () => {
      await task.destroy();
    },
  };
}

/** The longest wait between two due times in a row, among the next ones of an expression that `validateCron` took. */
export function longestWaitOf(cron: string, timeZone: string): number {
  const task = createTask(cron, () => undefined, { timezone: timeZone });
  return longestWaitMs(task.getNextRuns(LOOK_AHEAD_RUNS));
}

function longestWaitMs(due: readonly Date[]): number {
  const waits = due.slice(1).map((date, index) => date.getTime() - (due[index]?.getTime() ?? 0));
  return Math.max(0, ...waits);
}

function loggerInto(log: Log): NonNullable<Parameters<typeof setLogger>[0]> {
  const words = (message: string | Error): { words: string } => ({ words: messageOf(message) });
  return {
    debug: (message) => {
      log.debug(words(message), 'node-cron');
    },
    info: (message) => {
      log.debug(words(message), 'node-cron');
    },
    warn: (message) => {
      log.warn(words(message), 'node-cron warns');
    },
    error: (message) => {
      log.error(words(message), 'node-cron failed');
    },
  };
}
