import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Stops a process with SIGSTOP, and comes back when each of its threads stands still: the kernel stops them one by one, and one that
 * still runs may answer a call that was made after the signal.
 */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  while ((await threadStates(pid)).some((state) => state !== 'T')) await sleep(2);
}

/** Of proc(5): the letter after the name, which stands in parentheses and may hold anything. */
async function threadStates(pid: number): Promise<(string | undefined)[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')),
  );
  return stats.map((stat) => /^.*\) (\S)/s.exec(stat)?.[1]);
}
