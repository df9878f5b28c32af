import { rmdir } from 'node:fs/promises';
import { systemCodeOf } from '../../base/agent-error.ts';

/** Removes a directory that holds nothing; leaves any other, and one that is not there. */
export async function removeIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
  }
}
