import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { interruptedBy } from '../../../src/cli/stop-signals.ts';

test('the first signal interrupts and is remembered, each later one is told apart', () => {
  const signals = new EventEmitter();
  let again = 0;
  using interrupt = interruptedBy(['SIGTERM', 'SIGINT'], signals, () => {
    again += 1;
  });
  expect([interrupt.signal.aborted, interrupt.received]).toEqual([false, undefined]);

  signals.emit('SIGTERM');
  expect([interrupt.signal.aborted, interrupt.received, again]).toEqual([true, 'SIGTERM', 0]);
  signals.emit('SIGINT');
  expect([interrupt.received, again]).toEqual(['SIGTERM', 1]);
});

test('what no longer waits for signals leaves them to the process', () => {
  const signals = new EventEmitter();
  interruptedBy(['SIGINT'], signals)[Symbol.dispose]();

  expect(signals.listenerCount('SIGINT')).toBe(0);
});
