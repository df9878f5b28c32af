import { readFile } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';

/** Every PID namespace has a first process: where that cannot be seen, others cannot be either. */
const ALWAYS_THERE = ['/proc/1/comm', '/proc/locks'];

/**
 * Whether /proc shows the processes of all users, though not what they have open. Under `hidepid=` or `subset=` (as
 * `ProtectProc=` and `ProcSubset=` of a unit mount it) an etcd of another user would look like none.
 *
 * @throws {AgentError} `PROCESSES_HIDDEN`
 */
export async function requireVisibleProcesses(): Promise<void> {
  for (const path of ALWAYS_THERE) {
    try {
      await readFile(path, 'utf8');
    } catch (cause) {
      throw new AgentError('PROCESSES_HIDDEN', `${path} cannot be read: ${messageOf(cause)}`, { cause });
    }
  }
}
