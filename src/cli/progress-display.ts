import type { Clock } from '../base/clock.ts';
import type { Progress } from '../formats/control.ts';
import { LiveBlock } from './live-block.ts';
import { progressLine } from './progress-line.ts';
import { formatClockTime } from './times.ts';
import type { OutputStream } from './terminal.ts';
import { TransferRate } from './transfer-rate.ts';

/** Shows work under way until `clear`. */
export interface ProgressDisplay {
  show(progress: Progress): void;
  clear(): void;
}

const PLAIN_INTERVAL_MS = 5_000;

/** On a terminal one line that is rewritten; elsewhere a line at each change of phase, and each five seconds. */
export function openProgressDisplay(stream: OutputStream, clock: Clock): ProgressDisplay {
  return stream.isTTY === true ? openRewrittenLine(stream, clock) : openPlainLines(stream, clock);
}

function openRewrittenLine(stream: OutputStream, clock: Clock): ProgressDisplay {
  const block = new LiveBlock(stream);
  const rateOf = ratePerPhase(clock);
  return {
    show: (progress) => {
      block.show([progressLine(progress, rateOf(progress))]);
    },
    clear: () => {
      block.clear();
    },
  };
}

function openPlainLines(stream: OutputStream, clock: Clock): ProgressDisplay {
  const rateOf = ratePerPhase(clock);
  let shown: { readonly phase: string; readonly atMs: number } | undefined;
  return {
    show: (progress) => {
      const rate = rateOf(progress);
      const atMs = clock.now();
      if (shown?.phase === progress.phase && atMs - shown.atMs < PLAIN_INTERVAL_MS) return;
      shown = { phase: progress.phase, atMs };
      stream.write(`${formatClockTime(atMs)} ${progressLine(progress, rate)}\n`);
    },
    clear: () => undefined,
  };
}

function ratePerPhase(clock: Clock): (progress: Progress) => number | undefined {
  let phase: string | undefined;
  let rate = new TransferRate();
  return (progress) => {
    if (progress.phase !== phase) rate = new TransferRate();
    phase = progress.phase;
    return progress.bytes === undefined ? undefined : rate.add(clock.now(), progress.bytes);
  };
}
