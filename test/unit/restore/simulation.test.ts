import { expect, test } from 'vitest';
import { runSchedule } from '../../simulation/run-schedule.ts';
import { scheduleOf } from '../../simulation/schedule.ts';

const RUNS = 400;
const SEED = 1;

test(
  'however messages, crashes, faults and operators fall, a restore ends for all hosts alike',
  { timeout: 120_000 },
  () => {
    const breaches: string[] = [];
    const ends = new Map<string, number>();
    for (let run = 0; run < RUNS; run += 1) {
      const { breach, end } = runSchedule(scheduleOf(SEED, run));
      if (breach !== undefined) breaches.push(`npm run simulate -- --seed ${SEED} --run ${run}: ${breach}`);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }

    expect(breaches.slice(0, 5)).toEqual([]);
    // A world in which nothing gets far would prove nothing.
    const seldom = ['finished', 'aborted', 'rolled-back'].filter((end) => (ends.get(end) ?? 0) < RUNS / 50);
    expect(seldom).toEqual([]);
  },
);

test('a schedule that is played again goes the same way', () => {
  const heard: string[][] = [[], []];
  for (const words of heard) {
    runSchedule(scheduleOf(SEED, 7), undefined, (said) => {
      words.push(said);
    });
  }
  expect(heard[0]?.length).toBeGreaterThan(20);
  expect(heard[1]).toEqual(heard[0]);
});
