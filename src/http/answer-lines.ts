import type { Writable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { ControlLine, Progress } from '../formats/control.ts';

const PLAIN_INTERVAL_MS = 100;

/** The lines of one answer. `finish` is called once, after which nothing more is written. */
export interface AnswerLines {
  progress(progress: Progress): void;
  finish(line: ControlLine): void;
}

/**
 * Writes an answer as NDJSON and never holds more than two unsent lines of progress, however slow the client:
 * of changes of an operation the latest, of plain progress the latest and that at most ten times a second.
 */
export function openAnswerLines(stream: Writable, clock: Clock): AnswerLines {
  const ended = new AbortController();
  let operation: Progress | undefined;
  let plain: Progress | undefined;
  let nextPlainAt = 0;
  let waiting = false;

  const write = (line: ControlLine): void => {
    if (!stream.destroyed) stream.write(`${JSON.stringify(line)}\n`);
  };
  const isBlocked = (): boolean => stream.writableNeedDrain;
  const flush = (): void => {
    if (ended.signal.aborted || isBlocked()) return;
    if (operation !== undefined) {
      write({ type: 'progress', progress: operation });
      operation = undefined;
    }
    if (plain === undefined || isBlocked()) return;
    const waitMs = nextPlainAt - clock.now();
    if (waitMs > 0) {
      flushIn(waitMs);
      return;
    }
    write({ type: 'progress', progress: plain });
    plain = undefined;
    nextPlainAt = clock.now() + PLAIN_INTERVAL_MS;
  };
  const flushIn = (ms: number): void => {
    if (waiting) return;
    waiting = true;
    const wakeUp = (): void => {
      waiting = false;
      flush();
    };
    // The only way to fail is the end of the answer, and then there is nothing to flush.
    clock.sleep(ms, ended.signal).then(wakeUp, () => undefined);
  };
  stream.on('drain', flush);

  return {
    progress: (progress) => {
      if (progress.operation === undefined) plain = progress;
      else operation = progress;
      flush();
    },
    finish: (line) => {
      if (operation !== undefined) write({ type: 'progress', progress: operation });
      ended.abort();
      stream.off('drain', flush);
      write(line);
      stream.end();
    },
  };
}
