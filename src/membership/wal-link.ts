import { lstat, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import { removeDurably, renameDurably } from '../base/durable-file.ts';
import type { DataPlaces } from './local-identity.ts';

/** More than any path is deep: above the root there is the root. */
const TO_THE_ROOT = '../'.repeat(32);

/** Looked for by the drop-in of etcd's unit: from when it is there, etcd starts only where it leads to a log. */
export function walLinkOf(stateDir: string): string {
  return join(stateDir, 'wal');
}

/** Whether an operation has touched this host, so that no etcd may be started on data that is not known. */
export async function hasWalLink(stateDir: string): Promise<boolean> {
  try {
    return (await lstat(walLinkOf(stateDir))).isSymbolicLink();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Makes the link lead to the write-ahead log, durably, whether that is there or not. */
export async function keepWalLink(stateDir: string, places: DataPlaces): Promise<void> {
  const [link, target] = [walLinkOf(stateDir), targetOf(places)];
  if ((await hasWalLink(stateDir)) && (await readlink(link)) === target) return;
  const partial = `${link}.partial`;
  await removeDurably(partial);
  await symlink(target, partial);
  await renameDurably(partial, link);
}

/** The way to the log leads through the directory of the database: the kernel follows it only where both are there. */
function targetOf({ dataDir, walDir }: DataPlaces): string {
  const snap = join(dataDir, 'member', 'snap');
  return walDir === undefined ? `${snap}/../wal` : `${snap}/${TO_THE_ROOT}${walDir.replace(/^\/+/, '')}`;
}
