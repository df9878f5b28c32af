import { expect, test } from 'vitest';
import { remembered } from '../../../src/agent/remembered.ts';

function questions(): {
  ask: () => Promise<number>;
  clock: { nowMs: number; now(): number; sleep(): Promise<void> };
} {
  let asked = 0;
  const clock = { nowMs: 1000, now: () => clock.nowMs, sleep: () => Promise.resolve() };
  return {
    clock,
    ask: () => {
      asked += 1;
      return Promise.resolve(asked);
    },
  };
}

test('an answer is given again until its time is over', async () => {
  const { ask, clock } = questions();
  const answer = remembered(ask, { clock, goodForMs: () => 100 });
  expect(await answer()).toBe(1);
  clock.nowMs += 99;
  expect(await answer()).toBe(1);
  clock.nowMs += 1;
  expect(await answer()).toBe(2);
});

test('those who ask at the same moment share one answer', async () => {
  const { ask, clock } = questions();
  const answer = remembered(ask, { clock, goodForMs: () => 0 });
  expect(await Promise.all([answer(), answer(), answer()])).toEqual([1, 1, 1]);
  expect(await answer()).toBe(2);
});

test('a clock that is set back does not keep an answer for ever', async () => {
  const { ask, clock } = questions();
  const answer = remembered(ask, { clock, goodForMs: () => 100 });
  expect(await answer()).toBe(1);
  clock.nowMs -= 500;
  expect(await answer()).toBe(2);
});

test('a failure is told and not remembered', async () => {
  const { clock } = questions();
  let fails = true;
  const answer = remembered(() => (fails ? Promise.reject(new Error('no')) : Promise.resolve('yes')), {
    clock,
    goodForMs: () => 100,
  });
  await expect(answer()).rejects.toThrow('no');
  fails = false;
  expect(await answer()).toBe('yes');
});
