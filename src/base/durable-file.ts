import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCodeOf } from './agent-error.ts';

/** Names that end so are unfinished: never listed, never offered, swept at start. */
export const PARTIAL_SUFFIX = '.partial';

/** Makes the names in `path` survive a power cut. Throws the file system's error. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Renames and syncs both parents, so that the new name survives a power cut and the old one does not. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
}

/** Removes a file or a tree, and syncs its parent. Resolves also when it never was there. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  try {
    await syncDirectory(dirname(path));
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}

/**
 * Creates or replaces `path` whole or not at all: the bytes go to `path.partial`, are synced, renamed
 * into place, and the directory is synced. Mode 0600. On failure the partial file is removed and
 * `path` is what it was.
 *
 * @param fill - Writes everything; the file is synced after it resolves.
 */
async function writeDurably(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
  const partial = path + PARTIAL_SUFFIX;
  const file = await open(partial, 'w', 0o600);
  try {
    try {
      await fill(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** `writeDurably` for text that fits in memory. */
export async function writeTextDurably(path: string, text: string): Promise<void> {
  await writeDurably(path, (file) => file.writeFile(text, 'utf8'));
}

/** The file's text, or `undefined` when there is none. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
