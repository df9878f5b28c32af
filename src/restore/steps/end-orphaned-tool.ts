import { readdir } from 'node:fs/promises';
import { systemCodeOf } from '../../base/agent-error.ts';
import type { Clock } from '../../base/clock.ts';
import { commandLineOf } from '../../supervisor/open-files.ts';

const LOOK_AGAIN_MS = 20;

/**
 * Kills restore tools that write below `staging`, and resolves when they are gone. A tool outlives the crash of the
 * agent that ran it, and would make the directory anew after it was removed.
 */
export async function endOrphanedTools(staging: string, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    const pids = await toolsWritingBelow(staging);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

async function toolsWritingBelow(staging: string): Promise<number[]> {
  const pids: number[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const words = await commandLineOf(pid);
    const isRestore = words.some((word, index) => word === 'snapshot' && words[index + 1] === 'restore');
    if (isRestore && words.some((word) => word.includes(`${staging}/`))) pids.push(pid);
  }
  return pids;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (systemCodeOf(error) !== 'ESRCH') throw error;
  }
}
