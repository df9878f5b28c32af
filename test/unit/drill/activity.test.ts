import { expect, test } from 'vitest';
import { wasBusy } from '../../../src/drill/activity.ts';

const before = { wantedMs: 5000, readBytes: 0, writtenBytes: 0 };

test('a process that wants the processor, or moves bytes, works; one that only keeps its timers does not', () => {
  expect(wasBusy(before, { ...before, wantedMs: 5020 }, 1000)).toBe(false);
  expect(wasBusy(before, { ...before, wantedMs: 5400 }, 1000)).toBe(true);
  expect(wasBusy(before, { ...before, readBytes: 8 << 20 }, 1000)).toBe(true);
  expect(wasBusy(before, { ...before, writtenBytes: 8 << 20 }, 1000)).toBe(true);
  expect(wasBusy(before, { ...before, readBytes: 4096 }, 1000)).toBe(false);
});
