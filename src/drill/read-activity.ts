import { readdir, readFile } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';
import type { Activity } from './activity.ts';

const NS_PER_MS = 1e6;

/** What a process did so far. What this kernel does not tell, or the process took with it, counts as nothing. */
export async function readActivity(pid: number): Promise<Activity> {
  const io = await readOrNothing(`/proc/${pid}/io`);
  return {
    wantedMs: await wantedMs(pid),
    readBytes: Number(/^read_bytes: (\d+)$/m.exec(io)?.[1] ?? 0),
    writtenBytes: Number(/^write_bytes: (\d+)$/m.exec(io)?.[1] ?? 0),
  };
}

/** The first two numbers of schedstat: nanoseconds on a processor, and in the queue for one (proc/PID/schedstat). */
async function wantedMs(pid: number): Promise<number> {
  let totalNs = 0;
  for (const thread of await threadsOf(pid)) {
    const [ran = 0, waited = 0] = (await readOrNothing(`/proc/${pid}/task/${thread}/schedstat`))
      .split(' ')
      .map(Number);
    totalNs += ran + waited;
  }
  return totalNs / NS_PER_MS;
}

async function threadsOf(pid: number): Promise<string[]> {
  try {
    return await readdir(`/proc/${pid}/task`);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return '';
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(systemCodeOf(error) ?? '');
}
