import type { Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';

/** The files below some directories, by path and by identity. */
export interface FilesBelow {
  /** The directories without symbolic links, and those that links inside them lead to. */
  readonly roots: readonly string[];
  readonly names: ReadonlySet<string>;
  /** `device:inode` of each file, see `fileIdentity`. */
  readonly identities: ReadonlySet<string>;
}

/** The same file has the same identity under every name and in every mount namespace. */
export function fileIdentity(stats: Stats): string {
  return `${stats.dev}:${stats.ino}`;
}

/** Lists what is there now; a directory that does not exist is empty. Follows links to directories (`member/wal` is sometimes one). */
export async function listFilesBelow(directories: readonly string[]): Promise<FilesBelow> {
  const roots = new Set<string>();
  const names = new Set<string>();
  const identities = new Set<string>();
  const waiting = await Promise.all(directories.map(realPathOf));
  for (const root of waiting) roots.add(root);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const entry of await entriesOf(path, roots.has(path))) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) {
        waiting.push(inner);
        continue;
      }
      const stats = await statIfPresent(inner);
      if (stats?.isDirectory() === true) {
        const target = await realPathOf(inner);
        if (!isBelow(target, [...roots])) waiting.push(target);
        roots.add(target);
      } else if (stats !== undefined) {
        names.add(basename(await realPathOf(inner)));
        identities.add(fileIdentity(stats));
      }
    }
  }
  return { roots: [...roots], names, identities };
}

/** Whether `path` is one of the directories, or in one. Also for the ` (deleted)` names of /proc. */
export function isBelow(path: string, directories: readonly string[]): boolean {
  return directories.some((directory) => path === directory || path.startsWith(`${directory}/`));
}

/** Without symbolic links, also when the last parts do not exist. */
export async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = systemCodeOf(error);
    // Another user's directory may be closed to us; ours is not, so what lies above it tells them apart.
    if ((code !== 'ENOENT' && code !== 'EACCES') || dirname(path) === path) throw error;
    return join(await realPathOf(dirname(path)), basename(path));
  }
}

/** A directory inside that is closed to us (`lost+found` of a file system) holds nothing of etcd's, which runs as we do. */
async function entriesOf(directory: string, isRoot: boolean) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || (code === 'EACCES' && !isRoot)) return [];
    throw error;
  }
}

async function statIfPresent(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
