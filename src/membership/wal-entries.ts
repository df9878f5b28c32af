import { namesIn } from '../base/names-in.ts';

/** Whether an entry of a WAL directory of its own is etcd's: a segment, one that is being made, or a broken one (etcd: server/storage/wal). */
export function isWalEntry(name: string): boolean {
  return /\.(wal|tmp|broken)$/.test(name);
}

export async function hasWalEntries(directory: string): Promise<boolean> {
  return (await namesIn(directory)).some(isWalEntry);
}
