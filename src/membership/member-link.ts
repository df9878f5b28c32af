import { lstat, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import { removeDurably, renameDurably } from '../base/durable-file.ts';

/** Looked for by the drop-in of etcd's unit: from when it is there, etcd starts only where it leads to something. */
export function memberLinkOf(stateDir: string): string {
  return join(stateDir, 'member');
}

/** Whether an operation has touched this host, so that no etcd may be started on data that is not known. */
export async function hasMemberLink(stateDir: string): Promise<boolean> {
  try {
    return (await lstat(memberLinkOf(stateDir))).isSymbolicLink();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Makes the link lead to the member directory, durably, whether that is there or not. */
export async function keepMemberLink(stateDir: string, dataDir: string): Promise<void> {
  const [link, target] = [memberLinkOf(stateDir), join(dataDir, 'member')];
  if ((await hasMemberLink(stateDir)) && (await readlink(link)) === target) return;
  const partial = `${link}.partial`;
  await removeDurably(partial);
  await symlink(target, partial);
  await renameDurably(partial, link);
}
