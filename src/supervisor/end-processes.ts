import type { Clock } from '../base/clock.ts';
import { commandLineOf } from './open-files.ts';
import { processIds } from './process-ids.ts';
import { sendSignal } from './send-signal.ts';

const LOOK_AGAIN_MS = 20;

/**
 * Kills every process whose command line is one of those wanted, and resolves when they are gone. What an agent starts
 * outlives the agent's crash. A process that is seen in between, as its launcher, has its command line already.
 */
export async function endProcesses(
  isWanted: (commandLine: readonly string[]) => boolean,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const pids = await processesLike(isWanted);
    if (pids.length === 0) return;
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

async function processesLike(isWanted: (commandLine: readonly string[]) => boolean): Promise<number[]> {
  const pids: number[] = [];
  for (const pid of await processIds()) {
    if (pid !== process.pid && isWanted(await commandLineOf(pid))) pids.push(pid);
  }
  return pids;
}
