import { readFile } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';

/** One process for all time: a process id alone is used again after the process ended. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since boot, as /proc/PID/stat has it. */
  readonly startTicks: number;
  readonly bootId: string;
}

interface ProcessStat {
  /** One letter of proc(5): `Z` is a process that ended and was not waited for. */
  readonly state: string;
  readonly session: number;
  readonly startTicks: number;
}

/** The kernel reports in this unit on every platform of Node.js (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Reads /proc/PID/stat. The program's name in it may hold spaces and parentheses. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', session: Number(fields[3]), startTicks: Number(fields[19]) };
}

/** `undefined` when there is no such process, or only its remains. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await statOf(pid);
  if (stat === undefined) return undefined;
  return { pid, startTicks: stat.startTicks, bootId: await currentBootId() };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid);
  return now?.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** The session of a living process; a detached one leads its own. */
export async function sessionOf(pid: number): Promise<number | undefined> {
  return (await statOf(pid))?.session;
}

/** ISO 8601, from the time of boot. */
export async function startTimeOf(identity: ProcessIdentity): Promise<string> {
  const bootSeconds = Number(/^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'))?.[1]);
  return new Date((bootSeconds + identity.startTicks / TICKS_PER_SECOND) * 1000).toISOString();
}

async function statOf(pid: number): Promise<ProcessStat | undefined> {
  try {
    const stat = parseProcessStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
    return stat.state === 'Z' || stat.state === 'X' ? undefined : stat;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemCodeOf(error) ?? '')) return undefined;
    throw error;
  }
}

async function currentBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
