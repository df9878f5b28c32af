import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';
import { hashFile } from '../base/hash-file.ts';
import { pathExists } from '../base/path-exists.ts';
import type { InstallFile } from './install-layout.ts';

/** What writing a file would do; `unknown` where this user may not look. */
export type FileChange = 'new' | 'changed' | 'same' | 'unknown';

/** Compares content and mode with what is at the path. */
export async function compareFile(file: InstallFile, signal: AbortSignal): Promise<FileChange> {
  try {
    return await compareReadable(file, signal);
  } catch (error) {
    if (systemCodeOf(error) === 'EACCES') return 'unknown';
    throw error;
  }
}

async function compareReadable(file: InstallFile, signal: AbortSignal): Promise<FileChange> {
  if (!(await pathExists(file.path))) return 'new';
  const found = await lstat(file.path);
  if (!found.isFile() || (found.mode & 0o777) !== file.mode) return 'changed';
  const wanted = await sha256Of(file, signal);
  return (await hashFile(file.path, signal)).sha256 === wanted ? 'same' : 'changed';
}

async function sha256Of({ content }: InstallFile, signal: AbortSignal): Promise<string> {
  if ('text' in content) return createHash('sha256').update(content.text).digest('hex');
  return (await hashFile(content.source, signal)).sha256;
}
