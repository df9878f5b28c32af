import { readdir } from 'node:fs/promises';
import { systemCodeOf } from './agent-error.ts';

/** The names in a directory, sorted; none where the directory is not there. Throws the file system's error otherwise. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
