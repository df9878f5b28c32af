import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { markGarbageInOneGo } from '../../../src/base/garbage-collection.ts';

/** What node's types leave out of an entry of type `gc`. */
interface GcEntry {
  readonly detail: { readonly kind: number };
}

test('a process that lets many buffers go by marks its garbage, and never in steps', async () => {
  const kinds = new Set<number>();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) kinds.add((entry as unknown as GcEntry).detail.kind);
  });
  observer.observe({ entryTypes: ['gc'] });
  markGarbageInOneGo();
  // 64 MiB begin a marking: this is enough for many.
  for (let turn = 0; turn < 200; turn += 1) {
    for (let piece = 0; piece < 64; piece += 1) Buffer.allocUnsafeSlow(64 * 1024);
    await nextTurn();
  }
  observer.disconnect();
  expect(kinds).toContain(constants.NODE_PERFORMANCE_GC_MAJOR);
  expect(kinds).not.toContain(constants.NODE_PERFORMANCE_GC_INCREMENTAL);
});
