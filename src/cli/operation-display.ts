import type { Clock } from '../base/clock.ts';
import type { OperationView } from '../formats/operation-view.ts';
import { LiveBlock } from './live-block.ts';
import { operationBlock } from './operation-block.ts';
import { changesOf, hostLine } from './operation-lines.ts';
import { paintFor } from './paint.ts';
import type { OutputStream } from './terminal.ts';
import { formatClockTime } from './times.ts';

/** Shows an operation as it changes, until `clear`. */
export interface OperationDisplay {
  show(view: OperationView): void;
  clear(): void;
}

const BYTES_INTERVAL_MS = 5_000;

/** On a terminal a block, one line a host, redrawn in place; elsewhere one line for each change. */
export function openOperationDisplay(stream: OutputStream, clock: Clock): OperationDisplay {
  return stream.isTTY === true ? openBlock(stream, clock) : openChangeLines(stream, clock);
}

function openBlock(stream: OutputStream, clock: Clock): OperationDisplay {
  const block = new LiveBlock(stream);
  const paint = paintFor(stream);
  return {
    show: (view) => {
      block.show(operationBlock(view, clock.now(), paint));
    },
    clear: () => {
      block.clear();
    },
  };
}

/** Bytes that only count up are no change: each host says them at most every five seconds. */
function openChangeLines(stream: OutputStream, clock: Clock): OperationDisplay {
  const saidAt = new Map<string, number>();
  let before: OperationView | undefined;
  return {
    show: (view) => {
      const nowMs = clock.now();
      const lines = changesOf(before, view);
      for (const host of view.hosts) {
        const line = hostLine(host);
        const isSaid = lines.includes(line);
        const isDue = host.bytes !== undefined && nowMs - (saidAt.get(host.agent) ?? 0) >= BYTES_INTERVAL_MS;
        if (!isSaid && isDue) lines.push(line);
        if (isSaid || isDue) saidAt.set(host.agent, nowMs);
      }
      before = view;
      for (const line of lines) stream.write(`${formatClockTime(nowMs)} ${line}\n`);
    },
    clear: () => undefined,
  };
}
