import { lstat, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import { syncDirectory } from '../base/durable-file.ts';
import { isAtLeast, parseRelease } from './release.ts';

interface RestoredPlaces {
  readonly dataDir: string;
  readonly walDir: string;
  readonly snapshotSizeBytes: number;
  readonly toolVersion: string;
}

/**
 * What a finished restore must have made and did not, in words; empty when all is there. etcd starts without an error on
 * a `db` without WAL, elects a leader and never commits: an exit status alone is no proof.
 */
export async function findMissingParts(places: RestoredPlaces): Promise<string[]> {
  const missing: string[] = [];
  const database = join(places.dataDir, 'member', 'snap', 'db');
  const databaseBytes = await fileSizeBytes(database);
  // The database without its trailer: bbolt pages are a multiple of 512 bytes, and a file never shrinks.
  const leastBytes = places.snapshotSizeBytes - (places.snapshotSizeBytes % 512);
  if (databaseBytes === undefined) missing.push(`${database} is not there`);
  else if (databaseBytes < leastBytes) {
    missing.push(`${database} has ${databaseBytes} bytes, and the snapshot has ${places.snapshotSizeBytes}`);
  }
  if (!(await holdsFile(places.walDir, '.wal'))) missing.push(`${places.walDir} holds no .wal file`);
  const snapDir = join(places.dataDir, 'member', 'snap');
  if (writesSnapFile(places.toolVersion) && !(await holdsFile(snapDir, '.snap'))) {
    missing.push(`${snapDir} holds no .snap file`);
  }
  return missing;
}

/** Up to 3.6 the tools write the member list into a v2 snapshot, and etcd starts from it. */
function writesSnapFile(toolVersion: string): boolean {
  const release = parseRelease(toolVersion);
  return release !== undefined && !isAtLeast(release, 3, 7);
}

async function fileSizeBytes(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

async function holdsFile(directory: string, suffix: string): Promise<boolean> {
  try {
    for (const name of await readdir(directory)) {
      if (name.endsWith(suffix) && ((await fileSizeBytes(join(directory, name))) ?? 0) > 0) return true;
    }
    return false;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

/** Syncs every file and directory of a tree, and the directory that holds its name. The tools sync the files only. */
export async function syncTree(root: string): Promise<void> {
  for (const name of await readdir(root, { recursive: true })) await syncEntry(join(root, name));
  await syncDirectory(root);
  await syncDirectory(dirname(root));
}

async function syncEntry(path: string): Promise<void> {
  const entry = await lstat(path);
  if (entry.isDirectory()) await syncDirectory(path);
  if (!entry.isFile()) return;
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether nothing is at `path`, not even a dangling link. */
export async function isAbsent(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return true;
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
