import { chmod, lchown, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../base/durable-file.ts';

interface Ownership {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Gives a tree to its owner and makes it survive a power cut: every file, then every directory, bottom-up.
 * The restore tool runs as the agent, and etcd may run as another user (k0sproject/k0s 891).
 */
export async function adoptTree(root: string, owner: Ownership, mode: number): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (entry.isDirectory()) await adoptTree(path, owner, mode);
    else await adoptFile(path, owner);
  }
  await lchown(root, owner.uid, owner.gid);
  await chmod(root, mode);
  await syncDirectory(root);
}

async function adoptFile(path: string, owner: Ownership): Promise<void> {
  await lchown(path, owner.uid, owner.gid);
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
