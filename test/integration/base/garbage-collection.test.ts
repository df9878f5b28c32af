import { execa } from 'execa';
import { join } from 'node:path';
import { constants } from 'node:perf_hooks';
import { expect, test } from 'vitest';

/** The kinds of collections in a process of its own: they are of the whole process, and so is the setting. */
async function kindsOfCollections(): Promise<number[]> {
  const program = `
    const { PerformanceObserver } = await import('node:perf_hooks');
    const { setImmediate: nextTurn } = await import('node:timers/promises');
    const { markGarbageInOneGo } = await import('./src/base/garbage-collection.ts');
    markGarbageInOneGo();
    const kinds = new Set();
    const observer = new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) kinds.add(detail.kind);
    });
    observer.observe({ entryTypes: ['gc'] });
    // 64 MiB begin a marking: this is enough for many.
    for (let turn = 0; turn < 200; turn += 1) {
      for (let piece = 0; piece < 64; piece += 1) Buffer.allocUnsafeSlow(64 * 1024);
      await nextTurn();
    }
    observer.disconnect();
    console.log(JSON.stringify([...kinds]));
  `;
  const { stdout } = await execa(
    process.execPath,
    ['--import', './test/support/from-source.mjs', '--input-type=module', '-e', program],
    { cwd: join(import.meta.dirname, '..', '..', '..') },
  );
  return JSON.parse(stdout) as number[];
}

test('a process that lets many buffers go by marks its garbage, and never in steps', async () => {
  const kinds = await kindsOfCollections();
  expect(kinds).toContain(constants.NODE_PERFORMANCE_GC_MAJOR);
  expect(kinds).not.toContain(constants.NODE_PERFORMANCE_GC_INCREMENTAL);
});
