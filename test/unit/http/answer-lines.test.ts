import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { ControlLine, Progress } from '../../../src/formats/control.ts';
import { openAnswerLines } from '../../../src/http/answer-lines.ts';
import { sampleView } from '../../support/control-samples.ts';
import { readWritten } from '../../support/read-written.ts';

/** A clock that stands until it is told to go on, and then wakes whoever sleeps. */
function handClock(): Clock & { go(ms: number): Promise<void> } {
  let nowMs = 0;
  let wakeUp: (() => void) | undefined;
  return {
    now: () => nowMs,
    sleep: () =>
      new Promise((resolve) => {
        wakeUp = resolve;
      }),
    go: async (ms) => {
      nowMs += ms;
      wakeUp?.();
      await Promise.resolve();
    },
  };
}

function linesOf(stream: PassThrough): ControlLine[] {
  const text = readWritten(stream);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ControlLine);
}

function progressOf(lines: readonly ControlLine[]): Progress[] {
  return lines.flatMap((line) => (line.type === 'progress' ? [line.progress] : []));
}

test('plain progress goes out ten times a second at most, and the latest is never held back for ever', async () => {
  const stream = new PassThrough();
  const clock = handClock();
  const lines = openAnswerLines(stream, clock);
  for (let bytes = 0; bytes < 50; bytes += 1) lines.progress({ phase: 'streaming', bytes });
  expect(progressOf(linesOf(stream)).map(({ bytes }) => bytes)).toEqual([0]);

  await clock.go(100);
  expect(progressOf(linesOf(stream)).map(({ bytes }) => bytes)).toEqual([49]);
});

test('every change of an operation goes out at once', () => {
  const stream = new PassThrough();
  const lines = openAnswerLines(stream, handClock());
  for (const phase of ['preparing', 'prepared', 'stopping'] as const) {
    lines.progress({ phase, operation: sampleView({ phase }) });
  }

  expect(progressOf(linesOf(stream)).map(({ phase }) => phase)).toEqual([
    'preparing',
    'prepared',
    'stopping',
  ]);
});

test('a client that does not read is owed only the latest change', async () => {
  const stream = new PassThrough({ highWaterMark: 64 });
  const lines = openAnswerLines(stream, handClock());
  for (let downtimeMs = 0; downtimeMs < 1000; downtimeMs += 1) {
    lines.progress({ phase: 'stopped', operation: sampleView({ downtimeMs }) });
  }
  expect(stream.readableLength + stream.writableLength).toBeLessThan(10_000);

  const drained = once(stream, 'drain');
  const sent = progressOf(linesOf(stream));
  await drained;
  sent.push(...progressOf(linesOf(stream)));
  expect(sent.at(-1)?.operation?.downtimeMs).toBe(999);
});

test('the result is the last line, after the last change that was held back', async () => {
  const stream = new PassThrough({ highWaterMark: 64 });
  const lines = openAnswerLines(stream, handClock());
  lines.progress({ phase: 'stopped', operation: sampleView({ downtimeMs: 1 }) });
  lines.progress({ phase: 'stopped', operation: sampleView({ downtimeMs: 2 }) });
  lines.finish({ type: 'result', result: 'done' });
  lines.progress({ phase: 'too late' });

  const text = (await stream.toArray()).join('');
  const sent = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ControlLine);
  expect(progressOf(sent).map(({ operation }) => operation?.downtimeMs)).toEqual([1, 2]);
  expect(sent.at(-1)).toEqual({ type: 'result', result: 'done' });
  expect(sent).toHaveLength(3);
});
