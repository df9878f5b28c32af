import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { formatCoverage, formatEnds } from './coverage.ts';
import { parseOptions, USAGE, type SimulationOptions } from './options.ts';
import { runSchedule } from './run-schedule.ts';
import { scheduleOf } from './schedule.ts';
import { addTally, emptyTally, type SeriesTally } from './series.ts';
import { shrinkSchedule } from './shrink.ts';

type FromThread =
  | { readonly type: 'progress'; readonly played: number }
  | { readonly type: 'tally'; readonly tally: SeriesTally };

/** Breaches that are told in words. */
const MOST_SHOWN = 10;

function say(text: string): void {
  process.stderr.write(text);
}

async function playInThread(
  share: { readonly seed: number; readonly firstRun: number; readonly runs: number },
  onProgress: (played: number) => void,
): Promise<SeriesTally> {
  const worker = new Worker(new URL('./series-thread.ts', import.meta.url), {
    workerData: share,
    execArgv: ['--import', join(import.meta.dirname, '..', 'support', 'from-source.mjs')],
  });
  return await new Promise((resolve, reject) => {
    worker.on('message', (message: FromThread) => {
      if (message.type === 'progress') onProgress(message.played);
      else resolve(message.tally);
    });
    worker.on('error', reject);
  });
}

async function playAll({ seed, runs, threads }: SimulationOptions): Promise<SeriesTally> {
  const share = Math.ceil(runs / threads);
  const firsts = Array.from({ length: Math.ceil(runs / share) }, (_, index) => index * share);
  const played = firsts.map(() => 0);
  const tallies = await Promise.all(
    firsts.map((firstRun, index) =>
      playInThread({ seed, firstRun, runs: Math.min(share, runs - firstRun) }, (count) => {
        played[index] = count;
        say(`\r${played.reduce((sum, each) => sum + each, 0)} of ${runs} schedules`);
      }),
    ),
  );
  say('\r');
  const sum = emptyTally();
  for (const tally of tallies) addTally(sum, tally);
  return sum;
}

async function playSeriesAndTell(options: SimulationOptions): Promise<void> {
  const began = performance.now();
  const tally = await playAll(options);
  const seconds = Math.round((performance.now() - began) / 1000);
  process.stdout.write(`${formatCoverage(tally)}\n\n${formatEnds(tally)}\n`);
  process.stdout.write(`seed ${options.seed}, ${options.threads} threads, ${seconds} s\n`);
  for (const { run, breach } of tally.breaches.slice(0, MOST_SHOWN)) {
    process.stdout.write(`\n${breach}\n  npm run simulate -- --seed ${options.seed} --run ${run}\n`);
  }
  if (tally.breaches.length > 0) process.exitCode = 1;
}

/** What happens in one run, from its start to its breach or its end. */
function tellRun({ seed, whole }: SimulationOptions, run: number): void {
  const found = scheduleOf(seed, run);
  const { breach } = runSchedule(found);
  const isShrunk = breach !== undefined && !whole;
  const schedule = isShrunk ? shrinkSchedule(found, breach) : found;
  const { hosts, turns, faults } = schedule;
  process.stdout.write(
    `${hosts} hosts, ${turns.length} of ${found.turns.length} turns, faults: ${faults.join(', ') || 'none'}\n`,
  );
  const { breach: shown, end } = runSchedule(schedule, undefined, (words) => {
    process.stdout.write(`${words}\n`);
  });
  process.stdout.write(shown === undefined ? `no breach: ${end}\n` : `BREACH ${shown}\n`);
  if (shown !== undefined) process.exitCode = 1;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(USAGE);
  else if (options.run === undefined) await playSeriesAndTell(options);
  else tellRun(options, options.run);
} catch (error) {
  say(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
