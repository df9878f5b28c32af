import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError, systemCodeOf } from './agent-error.ts';
import { formatBytes } from './units.ts';

export interface FileSystemSpace {
  /** What this process may still write. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** How full the file system of `path` (or of its nearest existing parent) is. */
export async function fileSystemSpace(path: string): Promise<FileSystemSpace> {
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return await fileSystemSpace(dirname(path));
  }
}

/** Bytes that this process may still write on the file system of `path` (or of its nearest existing parent). */
export async function freeSpaceBytes(path: string): Promise<number> {
  return (await fileSystemSpace(path)).freeBytes;
}

/**
 * Refuses before the first byte is written.
 *
 * @throws {AgentError} `NO_SPACE` with what is needed, what is free, and where.
 */
export async function requireFreeSpace(path: string, neededBytes: number): Promise<void> {
  const freeBytes = await freeSpaceBytes(path);
  if (freeBytes >= neededBytes) return;
  throw new AgentError(
    'NO_SPACE',
    `${formatBytes(neededBytes)} are needed at ${path}, and ${formatBytes(freeBytes)} are free`,
    { details: { path, neededBytes, freeBytes } },
  );
}
