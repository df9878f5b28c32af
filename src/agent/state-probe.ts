import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { writeTextDurably } from '../base/durable-file.ts';
import { withinTime } from '../base/within-time.ts';
import { remembered } from './remembered.ts';

const GOOD_FOR_MS = 5000;
const LIMIT_MS = 5000;

/**
 * Proves that a journal could be written now: a small file in the state directory is replaced durably, at most every few
 * seconds however many ask.
 *
 * @returns A call that rejects with the file system's error, or `TIMED_OUT` when the disk hangs.
 */
export function openStateProbe(stateDir: string, clock: Clock): () => Promise<void> {
  const path = join(stateDir, 'writable');
  const write = remembered(() => writeTextDurably(path, 'The agent could write here.\n'), {
    clock,
    goodForMs: () => GOOD_FOR_MS,
  });
  return async () => {
    await withinTime(write(), { clock, timeoutMs: LIMIT_MS, what: `a write to ${path}` });
  };
}
