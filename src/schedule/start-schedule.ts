import { AgentError, messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { ScheduledRun, ScheduleRecord } from '../formats/schedule-record.ts';
import type { Log } from '../observe/log.ts';
import { startTicker, type CronTicker } from './cron-ticker.ts';
import { readRecord, writeRecord, type FoundRecord } from './record-file.ts';
import * as tally from './run-tally.ts';
import { validateCron } from './validate-cron.ts';

type RunOutcome = 'done' | 'skipped';

export interface ScheduleOptions {
  /** Five fields, or six with seconds in front. */
  readonly cron: string;
  readonly timeZone: string;
  /** Each run waits for a random time up to this first. */
  readonly jitterMs: number;
  /** Run once at start when a due time passed, or a run was interrupted, while no agent ran. */
  readonly catchUp: boolean;
  /** Where the last run is kept over restarts. Its directory exists. */
  readonly recordPath: string;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly log: Log;
  /** One run. Ends soon after `signal` aborts. What it throws is the run's failure, and the schedule goes on. */
  readonly run: (signal: AbortSignal, due: Date) => Promise<RunOutcome>;
}

/** What a person or a program may ask about a schedule. Times are ISO 8601 in UTC. */
export interface ScheduleStatus {
  readonly next: string;
  /** A run goes on, or waits out its jitter. */
  readonly running: boolean;
  readonly last?: ScheduledRun;
  /** `last`, or while that goes on the one before, if that was in this process. */
  readonly lastEnded?: ScheduledRun;
  readonly dropped: number;
  readonly missed: number;
  readonly counts: ScheduleRecord['counts'];
  /** Why the record could not be written the last time. Runs go on without it. */
  readonly recordError?: string;
}

/** How often the clock is compared with the schedule, for a clock that was set. */
const WATCH_MS = 60_000;
/** Less than this between two looks at the clock is no jump. */
const JUMP_MS = 2000;

/**
 * Runs one job on cron times, one run at a time, until `close`. A due time is never queued: while a run goes on, it
 * is dropped and counted. One that passed unseen (agent down, loop blocked, clock set) is run late, once.
 *
 * @throws {AgentError} `CONFIG_INVALID` when the expression or the time zone cannot be scheduled.
 */
export async function startSchedule(options: ScheduleOptions): Promise<Schedule> {
  const { cron, timeZone, log } = options;
  const problem = validateCron(cron, timeZone);
  if (problem !== undefined) throw new AgentError('CONFIG_INVALID', `the schedule cannot run: ${problem}`);
  if (timeZone !== 'UTC') {
    log.warn(
      { timeZone },
      'the schedule is not in UTC: when clocks change, runs of that hour may be left out',
    );
  }
  const found = await readRecord(options.recordPath);
  if (found.damage !== undefined) {
    log.warn(
      { err: found.damage },
      'the schedule record was damaged and is set aside: a run may be one too many',
    );
  }
  return new Schedule(options, found);
}

export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #closing = new AbortController();
  readonly #ticker: CronTicker;
  readonly #longestWaitMs: number;
  readonly #watching: Promise<void>;
  #record: ScheduleRecord;
  #recordError: string | undefined;
  #lastEnded: ScheduledRun | undefined;
  #saving: Promise<void> = Promise.resolve();
  #run: Promise<void> | undefined;
  #handledMs = 0;
  #expectedMs: number;

  /** Use `startSchedule`. */
  constructor(options: ScheduleOptions, found: FoundRecord) {
    this.#options = options;
    this.#ticker = startTicker({
      ...options,
      onDue: (due) => {
        this.#onDue(due.getTime(), false);
      },
      onMissed: (due) => {
        this.#onDue(due.getTime(), true);
      },
    });
    this.#longestWaitMs = this.#ticker.longestWaitMs();
    this.#expectedMs = this.#ticker.next().getTime();
    this.#record = found.record ?? tally.firstRecord(this.#expectedMs);
    this.#catchUp(found);
    this.#watching = this.#watchClock();
  }

  /** How long a due time may be waited for, jitter included. What was taken at the last one is not older. */
  get longestWaitMs(): number {
    return this.#longestWaitMs + this.#options.jitterMs;
  }

  status(): ScheduleStatus {
    const { counts, last } = this.#record;
    return {
      next: this.#ticker.next().toISOString(),
      running: this.#run !== undefined,
      ...(last === undefined ? {} : { last }),
      ...(this.#lastEnded === undefined ? {} : { lastEnded: this.#lastEnded }),
      dropped: counts.dropped,
      missed: counts.missed,
      counts,
      ...(this.#recordError === undefined ? {} : { recordError: this.#recordError }),
    };
  }

  /** Stops ticking, aborts the run that goes on, and resolves when it has ended and the record is on disk. */
  async close(): Promise<void> {
    this.#closing.abort(new AgentError('CANCELLED', 'the schedule is closing'));
    await this.#ticker.stop();
    await this.#watching;
    await this.#run;
    await this.#saving;
  }

  #catchUp(found: FoundRecord): void {
    const { catchUp, clock } = this.#options;
    const nowMs = clock.now();
    const owed = tally.owedAtStart(this.#record, nowMs);
    this.#record = tally.withCrashNoted(this.#record, nowMs);
    this.#noteEnd(this.#record);
    if (owed.missedMs !== undefined) this.#record = tally.withCount(this.#record, 'missed');
    const dueMs = owed.missedMs ?? owed.interruptedMs ?? (found.damage === undefined ? undefined : nowMs);
    if (catchUp && dueMs !== undefined) this.#begin(dueMs, true);
    // Until a late run has begun, the record keeps what is owed: a crash now must not settle it.
    else this.#save(tally.withNextDue(this.#record, this.#expectedMs));
  }

  #onDue(dueMs: number, late: boolean): void {
    // Heard of twice: from the library, and from the watch over the clock.
    if (this.#closing.signal.aborted || dueMs <= this.#handledMs) return;
    this.#handledMs = dueMs;
    this.#expectedMs = this.#ticker.next().getTime();
    if (late) this.#record = tally.withCount(this.#record, 'missed');
    if (this.#run === undefined) {
      this.#begin(dueMs, late);
      return;
    }
    if (late) return;
    this.#options.log.warn(
      { dueAt: new Date(dueMs).toISOString() },
      'a due run was dropped: the one before goes on',
    );
    this.#save(tally.withCount(this.#record, 'dropped'));
  }

  #begin(dueMs: number, late: boolean): void {
    this.#run = this.#runOnce(dueMs, late).finally(() => {
      this.#run = undefined;
    });
  }

  async #runOnce(dueMs: number, late: boolean): Promise<void> {
    const { clock, jitterMs, log, random, run } = this.#options;
    const { signal } = this.#closing;
    if (!(await this.#sleeps(Math.round(random() * jitterMs)))) return;
    const started = tally.withStart(this.#record, { dueMs, startedMs: clock.now(), late });
    this.#save(tally.withNextDue(started, this.#expectedMs));
    await this.#saving;
    let ended: tally.EndedRun;
    try {
      signal.throwIfAborted();
      ended = { outcome: await run(signal, new Date(dueMs)) };
    } catch (error) {
      ended = signal.aborted ? { outcome: 'interrupted' } : { outcome: 'failed', error };
      if (ended.outcome === 'failed') log.error({ err: error }, 'the scheduled run failed');
    }
    this.#save(tally.withNextDue(tally.withEnd(this.#record, clock.now(), ended), this.#expectedMs));
    await this.#saving;
  }

  /** A clock that was set leaves the library waiting for a time that is no longer next. */
  async #watchClock(): Promise<void> {
    const { clock, log } = this.#options;
    let seenMs = clock.now();
    while (await this.#sleeps(WATCH_MS)) {
      const nowMs = clock.now();
      const overdueMs = nowMs - this.#expectedMs;
      if (nowMs < seenMs - JUMP_MS) {
        log.warn({ backMs: seenMs - nowMs }, 'the clock was set back: the schedule is computed anew');
        this.#handledMs = 0;
        await this.#restart();
      } else if (overdueMs > JUMP_MS) {
        log.warn({ overdueMs }, 'the clock went on past a due time: it is run now');
        this.#onDue(this.#expectedMs, true);
        await this.#restart();
      }
      seenMs = nowMs;
    }
  }

  async #restart(): Promise<void> {
    await this.#ticker.restart();
    this.#expectedMs = this.#ticker.next().getTime();
    // A late run that has not begun yet is still owed.
    if (this.#run === undefined) this.#save(tally.withNextDue(this.#record, this.#expectedMs));
  }

  /** False when the schedule closed meanwhile. */
  async #sleeps(ms: number): Promise<boolean> {
    const { signal } = this.#closing;
    try {
      if (ms > 0) await this.#options.clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return !signal.aborted;
  }

  #noteEnd({ last }: ScheduleRecord): void {
    if (last?.endedAt !== undefined) this.#lastEnded = last;
  }

  /** Writes are done one after another. A failed one is told, and the schedule goes on: it is not what the job is for. */
  #save(record: ScheduleRecord): void {
    this.#record = record;
    this.#noteEnd(record);
    this.#saving = this.#saving.then(async () => {
      try {
        await writeRecord(this.#options.recordPath, record);
        this.#recordError = undefined;
      } catch (error) {
        this.#recordError = messageOf(error);
        this.#options.log.error({ err: error }, 'the schedule record could not be written');
      }
    });
  }
}
