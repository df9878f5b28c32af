import { readdir } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { commandLineOf } from '../supervisor/open-files.ts';

const LOOK_AGAIN_MS = 20;

/**
 * Kills every etcd and restore tool whose data dir is below `root`, and resolves when they are gone. Both outlive the
 * crash of the agent that started them. Their command lines name a directory that nobody else has, from their first
 * instant on; a process that is seen in between, as its launcher, does so too.
 */
export async function endOrphans(root: string, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    const pids = await processesOn(root);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

async function processesOn(root: string): Promise<number[]> {
  const pids: number[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const words = await commandLineOf(pid);
    if (words.some((word) => word.startsWith(`--data-dir=${root}/`))) pids.push(pid);
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
