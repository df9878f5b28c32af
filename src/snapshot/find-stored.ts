import { AgentError } from '../base/agent-error.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { StoredSnapshots } from '../storage/local-directory.ts';
import type { SoundEntry } from '../storage/storage.ts';
import { isProved } from './grade.ts';
import { compareNewest } from './newest-first.ts';

export interface StoredSnapshot {
  readonly id: string;
  readonly path: string;
  readonly manifest?: SnapshotManifest;
  /** Why there is no manifest, although there should be. */
  readonly manifestProblem?: string;
}

/**
 * A stored snapshot, to be looked into beside the agent that keeps it.
 *
 * @param which - An ID, or `latest` for the newest proved one.
 * @throws {AgentError} `SNAPSHOT_UNKNOWN`. Rejects with the file system's error where the directory cannot be read.
 */
export async function findStored(stored: StoredSnapshots, which: string): Promise<StoredSnapshot> {
  const entry = which === 'latest' ? await newestProved(stored) : await stored.read(which);
  if (entry === undefined) {
    throw new AgentError('SNAPSHOT_UNKNOWN', `${stored.directory} holds no snapshot ${shown(which)}`);
  }
  const { id } = entry;
  const path = stored.pathOf(id);
  return entry.state === 'sound'
    ? { id, path, manifest: entry.manifest }
    : { id, path, manifestProblem: entry.problem };
}

async function newestProved(stored: StoredSnapshots): Promise<SoundEntry> {
  const entries = (await stored.list()).filter((entry) => entry.state === 'sound');
  const [newest] = entries
    .filter(({ manifest }) => isProved(manifest))
    .sort((a, b) => compareNewest(a.manifest, b.manifest));
  if (newest !== undefined) return newest;
  throw new AgentError(
    'SNAPSHOT_UNKNOWN',
    `${stored.directory} holds ${entries.length} snapshot(s), and none is proved`,
  );
}

function shown(which: string): string {
  return JSON.stringify(which.slice(0, 150));
}
