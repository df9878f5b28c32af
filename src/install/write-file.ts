import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { copyFileDurably } from '../base/copy-file.ts';
import { renameDurably, syncDirectory, writeTextDurably } from '../base/durable-file.ts';
import { pathExists } from '../base/path-exists.ts';
import type { InstallFile } from './install-layout.ts';

/**
 * Puts a file where it belongs, whole or not at all: a program that runs keeps the file it was started from. Directories on the way are
 * made with mode 0755. On failure the path is what it was.
 */
export async function writeInstallFile(file: InstallFile, signal: AbortSignal): Promise<void> {
  await makeDirectory(dirname(file.path));
  const staged = `${file.path}.new`;
  await rm(staged, { force: true });
  try {
    if ('text' in file.content) await writeTextDurably(staged, file.content.text);
    else await copyFileDurably(file.content.source, staged, { signal });
    await chmod(staged, file.mode);
    await renameDurably(staged, file.path);
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
}

/** With mode 0755 whatever the umask says: others are to read what is below. What exists is left as it is. */
async function makeDirectory(path: string): Promise<void> {
  if (await pathExists(path)) return;
  await makeDirectory(dirname(path));
  await mkdir(path);
  await chmod(path, 0o755);
  await syncDirectory(dirname(path));
}
