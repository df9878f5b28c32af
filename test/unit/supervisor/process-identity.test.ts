import { expect, test } from 'vitest';
import {
  identifyProcess,
  isAlive,
  parseProcessStat,
  startTimeOf,
} from '../../../src/supervisor/process-identity.ts';

test("a program's name cannot forge its state", () => {
  const text = '42 (x) Z 1 (y) S 7 42 40 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1000 10\n';
  expect(parseProcessStat(text)).toEqual({ state: 'S', session: 40, startTicks: 98765 });
});

test('a process is itself, and not another one that got its id later', async () => {
  const self = await identifyProcess(process.pid);
  if (self === undefined) throw new Error('this process was not found');
  expect(await isAlive(self)).toBe(true);
  expect(await isAlive({ ...self, startTicks: self.startTicks - 1 })).toBe(false);
  expect(await isAlive({ ...self, bootId: 'the boot before' })).toBe(false);
  expect(await identifyProcess(2 ** 22 + 1)).toBeUndefined();
});

test('the start time is the one that the runtime knows', async () => {
  const self = await identifyProcess(process.pid);
  if (self === undefined) throw new Error('this process was not found');
  const bornMs = Date.now() - process.uptime() * 1000;
  // /proc counts whole seconds of the boot time.
  expect(Math.abs(Date.parse(await startTimeOf(self)) - bornMs)).toBeLessThan(5000);
});
