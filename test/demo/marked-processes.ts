import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** In the environment of every process of one demo: its directory. Children inherit it, whatever becomes of their parents. */
export const MARK = 'LIFEBOAT_DEMO_DIRECTORY';

const TURN_MS = 20;
const LONGEST_MS = 20_000;

/**
 * Kills everything that carries the mark, agents first, since an agent starts an etcd that died again.
 * Resolves when a look at all processes finds none.
 */
export async function killMarked(directory: string): Promise<void> {
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    const marked = await markedProcesses(directory);
    if (marked.length === 0) return;
    if (Date.now() > deadline) throw new Error(`processes ${marked.join(', ')} do not end`);
    for (const pid of marked) kill(pid);
    await sleep(TURN_MS);
  }
}

/** The living processes of a demo: agents, then the rest. */
export async function markedProcesses(directory: string): Promise<number[]> {
  const entries = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const wanted = Buffer.from(`${MARK}=${directory}\0`);
  const found: { pid: number; isAgent: boolean }[] = [];
  for (const entry of entries) {
    // Processes of others cannot be read, and those that ended meanwhile are not there.
    const environment = await readFile(`/proc/${entry}/environ`).catch(() => Buffer.alloc(0));
    if (!holds(environment, wanted)) continue;
    const commandLine = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    found.push({ pid: Number(entry), isAgent: commandLine.includes('\0agent\0') });
  }
  return found.sort((a, b) => Number(b.isAgent) - Number(a.isAgent)).map(({ pid }) => pid);
}

function holds(environment: Buffer, wanted: Buffer): boolean {
  const at = environment.indexOf(wanted);
  return at === 0 || (at > 0 && environment[at - 1] === 0);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
