import { expect, test } from 'vitest';
import { messageOf } from '../../../src/base/agent-error.ts';
import { RestoreWorld } from '../../simulation/restore-world.ts';
import { SeededRandom } from '../../simulation/seeded-random.ts';
import { samplePlan } from '../../support/control-samples.ts';

const RUNS = 2000;
const TURNS = 300;

/** One operation in a world that follows from its seed alone. */
function runSeed(seed: number): { readonly breach: string | undefined; readonly outcome: string } {
  const random = new SeededRandom(seed);
  const [model] = samplePlan().decided.hosts;
  if (model === undefined) throw new Error('a plan without hosts');
  const hosts = Array.from({ length: random.pick([1, 2, 3, 3, 4, 5]) }, (_, index) => ({
    ...model,
    agent: `h${index + 1}`,
  }));
  const world = new RestoreWorld(samplePlan({ decided: { coordinator: 'h1', hosts } }), random, {
    lossy: random.next() * 0.4,
    crashing: random.pick([0, 0, 0.01, 0.04]),
    failing: random.pick([0, 0, 0.05, 0.3]),
  });
  try {
    return { breach: world.run(TURNS), outcome: world.phase ?? 'not begun' };
  } catch (error) {
    return { breach: messageOf(error), outcome: 'breach' };
  }
}

test('however messages and crashes fall, a restore ends for all hosts alike', { timeout: 60_000 }, () => {
  const breaches: string[] = [];
  const outcomes = new Map<string, number>();
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const { breach, outcome } = runSeed(seed);
    if (breach !== undefined) breaches.push(`seed ${seed}: ${breach}`);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }

  expect(breaches.slice(0, 5)).toEqual([]);
  // A world in which nothing gets far would prove nothing.
  const seldom = ['finished', 'aborted', 'rolled-back', 'stuck'].filter(
    (outcome) => (outcomes.get(outcome) ?? 0) < RUNS / 100,
  );
  expect(seldom).toEqual([]);
});
