import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import { readTextIfPresent } from '../base/durable-file.ts';
import { loadConfig } from '../config/load-config.ts';
import { isSnapshotId, parseManifest, type SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { findStored } from '../snapshot/find-stored.ts';
import { readLocalDirectory } from '../storage/local-directory.ts';
import type { Session } from './session.ts';

/** A snapshot file that this user may read. Nothing of it was read yet. */
export interface FoundSnapshot {
  readonly path: string;
  /** How to call it: its ID, or the path as it was typed. */
  readonly name: string;
  readonly manifest?: SnapshotManifest;
  /** Why there is no manifest, although there is a file of that name. */
  readonly manifestProblem?: string;
}

/**
 * What a person means by a snapshot: a word with a `/` in it, or the name of a file here, is that file; else it is an ID or `latest`, in the
 * directory that the configuration names. Asks no agent.
 *
 * @throws {AgentError} `SNAPSHOT_UNKNOWN`, `FILE_FORBIDDEN`, `FILE_UNREADABLE`, `CONFIG_INVALID`.
 */
export async function findSnapshot(session: Session, which: string): Promise<FoundSnapshot> {
  const path = resolve(session.surroundings.workingDirectory, which);
  const found = (await namesFile(session, which))
    ? { path, name: which, ...(await manifestBeside(path)) }
    : await stored(session, which);
  await requireReadable(found.path);
  return found;
}

/** Whether a word means a file, and not a snapshot that the agent keeps. */
export async function namesFile({ surroundings }: Session, which: string): Promise<boolean> {
  return which.includes('/') || (await isFile(resolve(surroundings.workingDirectory, which)));
}

/** @throws {AgentError} `SNAPSHOT_UNKNOWN` for a word that no agent could know. */
export function requireId(which: string): void {
  if (which === 'latest' || isSnapshotId(which)) return;
  const shown = JSON.stringify(which.slice(0, 150));
  throw new AgentError('SNAPSHOT_UNKNOWN', `${shown} is neither a file here nor the ID of a snapshot`);
}

async function stored(session: Session, which: string): Promise<FoundSnapshot> {
  requireId(which);
  const { directory } = (await allowed(() => loadConfig(session.configFile))).snapshots;
  try {
    const { id, ...found } = await allowed(() => findStored(readLocalDirectory(directory), which));
    return { name: id, ...found };
  } catch (error) {
    if (error instanceof AgentError || systemCodeOf(error) === undefined) throw error;
    throw new AgentError('SNAPSHOT_UNKNOWN', `${directory} could not be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** A file in the agent's directory has its manifest beside it, also when it is named by its path. */
async function manifestBeside(path: string): Promise<Partial<FoundSnapshot>> {
  if (basename(path) !== 'snapshot.db') return {};
  const text = await allowed(() => readTextIfPresent(join(dirname(path), 'manifest.json')));
  if (text === undefined) return {};
  const parsed = parseManifest(text);
  return parsed.ok ? { manifest: parsed.manifest } : { manifestProblem: parsed.problem };
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** A pipe or a device would be waited for, and a directory be read as damage. */
async function requireReadable(path: string): Promise<void> {
  try {
    await allowed(async () => {
      const found = await stat(path);
      if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a directory' : 'it is no file');
      await access(path, constants.R_OK);
    });
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError('FILE_UNREADABLE', `${path} could not be read: ${messageOf(error)}`, {
      cause: error,
      details: { path },
    });
  }
}

/** Says who may do what the operating system refused. */
async function allowed<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const code = systemCodeOf(error instanceof AgentError ? error.cause : error);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new AgentError('FILE_FORBIDDEN', messageOf(error), { cause: error });
  }
}
