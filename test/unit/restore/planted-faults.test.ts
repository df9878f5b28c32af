import { expect, test } from 'vitest';
import { PLANTED_FAULTS, rulesWith } from '../../simulation/planted-faults.ts';
import { runSchedule } from '../../simulation/run-schedule.ts';
import { scheduleOf } from '../../simulation/schedule.ts';
import { playSeries } from '../../simulation/series.ts';
import { shrinkSchedule } from '../../simulation/shrink.ts';

const SEED = 1;
const MOST_RUNS = 10_000;

const planted = Object.entries(PLANTED_FAULTS).map(([name, fault]) => ({ name, ...fault }));

test.for(planted)(
  'the simulator finds a restore that $name',
  { timeout: 120_000 },
  ({ change, invariant, firstRun, faults }) => {
    const rules = rulesWith(change);
    const only = faults === undefined ? {} : { faults };
    const series = { seed: SEED, firstRun, runs: MOST_RUNS - firstRun, rules, untilBreach: true, ...only };
    const { breaches } = playSeries(series);
    expect(breaches[0]?.breach).toMatch(invariant);
  },
);

test('what was found is made smaller, and goes wrong in the same way', () => {
  const rules = rulesWith({ refusesOldEpochs: false });
  const [found] = playSeries({ seed: SEED, firstRun: 0, runs: MOST_RUNS, rules, untilBreach: true }).breaches;
  const schedule = scheduleOf(SEED, found?.run ?? 0);
  const smaller = shrinkSchedule(schedule, found?.breach ?? '', rules);
  expect(smaller.turns.length).toBeLessThan(schedule.turns.length / 2);
  expect(runSchedule(smaller, rules).breach).toMatch(/^I6: /);
});
