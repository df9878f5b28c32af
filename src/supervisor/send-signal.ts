import { systemCodeOf } from '../base/agent-error.ts';

/**
 * Sends a signal to a process, or to a group where the target is negative. Throws the system's error.
 *
 * @returns Whether there was one to get it.
 */
export function sendSignal(target: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(target, name);
  } catch (error) {
    if (systemCodeOf(error) === 'ESRCH') return false;
    throw error;
  }
}
