import { readdir } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';

/** Whether an entry of a WAL directory of its own is etcd's: a segment, one that is being made, or a broken one (etcd: server/storage/wal). */
export function isWalEntry(name: string): boolean {
  return /\.(wal|tmp|broken)$/.test(name);
}

export async function hasWalEntries(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).some(isWalEntry);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
