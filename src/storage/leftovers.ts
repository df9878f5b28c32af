import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { PARTIAL_SUFFIX, removeDurably } from '../base/durable-file.ts';
import { isSnapshotId } from '../formats/snapshot-manifest.ts';

export const INCOMING = 'incoming';
export const MANIFEST_FILE = 'manifest.json';
export const REMOVING_SUFFIX = '.removing';

const INCOMING_KEPT_MS = 24 * 60 * 60 * 1000;

/**
 * Removes what a crash left in `directory`: drafts, half-removed snapshots, directories that never got their
 * manifest, downloads nobody went on with for a day. Whatever else lies there is not ours and stays.
 *
 * @returns The names that went, for the log.
 */
export async function sweepLeftovers(directory: string, clock: Clock): Promise<string[]> {
  const swept: string[] = [];
  for (const name of await readdir(directory)) {
    if (!(await isLeftover(directory, name))) continue;
    await removeDurably(join(directory, name));
    swept.push(name);
  }
  for (const name of await readdir(join(directory, INCOMING))) {
    const { mtimeMs } = await stat(join(directory, INCOMING, name));
    if (clock.now() - mtimeMs < INCOMING_KEPT_MS) continue;
    await removeDurably(join(directory, INCOMING, name));
    swept.push(join(INCOMING, name));
  }
  return swept;
}

async function isLeftover(directory: string, name: string): Promise<boolean> {
  if (name.endsWith(PARTIAL_SUFFIX) || name.endsWith(REMOVING_SUFFIX)) return true;
  if (!isSnapshotId(name)) return false;
  const half = `${MANIFEST_FILE}${PARTIAL_SUFFIX}`;
  if (await exists(join(directory, name, half))) await removeDurably(join(directory, name, half));
  return !(await exists(join(directory, name, MANIFEST_FILE)));
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
