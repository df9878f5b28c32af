import { appendFileSync } from 'node:fs';

/** Called with the name of each place at which a crash leaves something else behind than a moment before. */
export type PassPoint = (name: string) => void;

/** How a test has the agent die at a named place. */
export interface CrashWish {
  /** The place, and after a `#` the how-manieth passing of it: `after vote/first=commit#1`. */
  readonly at?: string;
  /** Instead of SIGKILL: `SIGSTOP`, after which whoever tests brings a fault about, and has the agent go on with SIGCONT. */
  readonly signal?: string;
  /** Gets a line for each place that is passed. */
  readonly listFile?: string;
}

/** In operation nothing is wished, and nothing happens. */
export function passNothing(): void {
  // No place is named.
}

/** Kills this process with SIGKILL at the wished place: nothing is flushed, closed or told, as when the power fails. */
export function crashPoints({ at, signal = 'SIGKILL', listFile }: CrashWish = {}): PassPoint {
  if (at === undefined && listFile === undefined) return passNothing;
  const [, wished, count = '1'] = /^(.*?)(?:#(\d+))?$/.exec(at ?? '') ?? [];
  let left = Number(count);
  return (name) => {
    if (listFile !== undefined) appendFileSync(listFile, `${name}\n`);
    if (name !== wished) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, signal);
  };
}
