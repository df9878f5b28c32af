import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { lockDirectory } from '../base/directory-lock.ts';
import {
  PARTIAL_SUFFIX,
  readTextIfPresent,
  removeDurably,
  renameDurably,
  syncDirectory,
  writeTextDurably,
} from '../base/durable-file.ts';
import { formatManifest, isSnapshotId, parseManifest } from '../formats/snapshot-manifest.ts';
import { INCOMING, MANIFEST_FILE, REMOVING_SUFFIX, sweepLeftovers } from './leftovers.ts';
import type { Storage, StorageDraft, StoredEntry } from './storage.ts';

const SNAPSHOT_FILE = 'snapshot.db';

/** A `Storage` in a directory of this host, and what its opening found to clean up. */
export interface LocalDirectory extends Storage {
  /** Names of the leftovers of a crash that were removed while opening. */
  readonly swept: readonly string[];
}

/** What can be looked up without a lock, also while an agent has the directory open. */
export type StoredSnapshots = Pick<Storage, 'directory' | 'list' | 'read' | 'pathOf'>;

/** Looks into a directory without opening it: nothing is locked, created or swept. Its functions reject with the file system's error. */
export function readLocalDirectory(directory: string): StoredSnapshots {
  return {
    directory,
    list: () => listEntries(directory),
    read: (id) => readEntry(directory, id),
    pathOf: (id) => join(directory, checkedId(id), SNAPSHOT_FILE),
  };
}

/**
 * Opens `<directory>/<id>/snapshot.db` with its `manifest.json`, creating the directory (0700) when absent, and
 * removes what a crash left there. A snapshot is written in `<random>.partial` and becomes listed by one rename.
 *
 * @throws {AgentError} `AGENT_ALREADY_RUNNING` while another process has it open: its drafts would look like leftovers.
 */
export async function openLocalDirectory(
  directory: string,
  options: { readonly clock: Clock },
): Promise<LocalDirectory> {
  await mkdir(join(directory, INCOMING), { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(directory);
  try {
    const swept = await sweepLeftovers(directory, options.clock);
    return {
      ...readLocalDirectory(directory),
      swept,
      begin: () => beginDraft(directory),
      replaceManifest: async (manifest) => {
        const { id } = manifest;
        if ((await readEntry(directory, id)) === undefined) throw absent(id);
        await writeTextDurably(join(directory, id, MANIFEST_FILE), formatManifest(manifest));
      },
      incomingPath: (id) => join(directory, INCOMING, checkedId(id) + PARTIAL_SUFFIX),
      remove: (id) => removeEntry(directory, checkedId(id)),
      close: () => lock.close(),
    };
  } catch (error) {
    await lock.close();
    throw error;
  }
}

async function beginDraft(directory: string): Promise<StorageDraft> {
  const draft = join(directory, randomBytes(8).toString('hex') + PARTIAL_SUFFIX);
  await mkdir(draft, { mode: 0o700 });
  const path = join(draft, SNAPSHOT_FILE);
  let published = false;
  return {
    path,
    take: async (file) => {
      await syncFile(file);
      await renameDurably(file, path);
    },
    publish: async (manifest) => {
      await writeTextDurably(join(draft, MANIFEST_FILE), formatManifest(manifest));
      await publishAs(draft, directory, manifest.id);
      published = true;
      await syncDirectory(directory);
    },
    discard: async () => {
      if (!published) await removeDurably(draft);
    },
  };
}

/** A directory is never renamed over one with files in it, so two publishers of one ID cannot both succeed. */
async function publishAs(draft: string, directory: string, id: string): Promise<void> {
  try {
    await rename(draft, join(directory, id));
  } catch (cause) {
    const code = systemCodeOf(cause);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw cause;
    throw new AgentError('STORAGE_TAKEN', `${id} is stored in ${directory} already`, { cause });
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function listEntries(directory: string): Promise<StoredEntry[]> {
  const names = (await readdir(directory)).filter(isSnapshotId);
  const entries: StoredEntry[] = [];
  for (const name of names) {
    const entry = await readEntry(directory, name);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

async function readEntry(directory: string, id: string): Promise<StoredEntry | undefined> {
  if (!isSnapshotId(id)) return undefined;
  const text = await readTextIfPresent(join(directory, id, MANIFEST_FILE));
  if (text === undefined) return undefined;
  const parsed = parseManifest(text);
  if (!parsed.ok) return { state: 'damaged', id, problem: parsed.problem };
  if (parsed.manifest.id === id) return { state: 'sound', id, manifest: parsed.manifest };
  return { state: 'damaged', id, problem: `the manifest is of ${parsed.manifest.id}` };
}

async function removeEntry(directory: string, id: string): Promise<void> {
  // A fresh name each time: what an earlier, failed removal left must not stand in the way.
  const doomed = join(directory, `${id}.${randomBytes(4).toString('hex')}${REMOVING_SUFFIX}`);
  try {
    await renameDurably(join(directory, id), doomed);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return;
    throw error;
  }
  await removeDurably(doomed);
}

function checkedId(id: string): string {
  if (isSnapshotId(id)) return id;
  throw absent(id);
}

function absent(id: string): AgentError {
  return new AgentError('STORAGE_ABSENT', `no snapshot ${JSON.stringify(id.slice(0, 150))} is stored`);
}
