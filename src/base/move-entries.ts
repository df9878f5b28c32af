import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from './durable-file.ts';

/**
 * Moves the chosen entries of one directory into another on the same file system. May be repeated after a
 * crash: what was moved is no longer there to move. `to` gets the owner's rights of `from`'s mode.
 */
export async function moveEntries(
  from: string,
  to: string,
  chosen: (name: string) => boolean,
): Promise<void> {
  await mkdir(to, { recursive: true, mode: (await stat(from)).mode & 0o7777 });
  for (const name of await readdir(from)) {
    if (chosen(name)) await rename(join(from, name), join(to, name));
  }
  await syncDirectory(to);
  await syncDirectory(from);
  await syncDirectory(dirname(to));
}
