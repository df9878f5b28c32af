import { lstat } from 'node:fs/promises';
import { systemCodeOf } from './agent-error.ts';

/** Whether something of any kind has this name. Other errors than "no such file" are thrown. */
export async function pathExists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
