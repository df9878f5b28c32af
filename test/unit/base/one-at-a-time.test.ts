import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { OneAtATime } from '../../../src/base/one-at-a-time.ts';

test('work is done in order, never two at once, past failures', async () => {
  const turns = new OneAtATime();
  const seen: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    seen.push(`${name} begins`);
    await turn();
    seen.push(`${name} ends`);
    if (name === 'b') throw new Error('b failed');
  };
  const [a, b, c] = await Promise.allSettled(['a', 'b', 'c'].map((name) => turns.run(work(name))));
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect([a?.status, b?.status, c?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
