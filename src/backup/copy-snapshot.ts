import { stat } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { requireFreeSpace } from '../base/free-space.ts';
import { hashFile } from '../base/hash-file.ts';
import type { MemberStatus } from '../etcd/maintenance.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { readDatabaseFacts } from '../snapshot/database-facts.ts';
import type { BackupContext } from './backup-context.ts';
import { composeManifest } from './compose-manifest.ts';
import { copyDatabase, databasePath } from './copy-database.ts';
import { countKeys } from './count-keys.ts';
import { roomFor, type SnapshotRequest } from './save-snapshot.ts';

/**
 * Copies `member/snap/db` into the catalog. Nothing in the file proves it, so it is read, and the restore tool makes a
 * throw-away data dir of it; its grade is `raw`.
 *
 * @throws {AgentError} `NO_SPACE` before the first byte; as `copyDatabase` and `readDatabaseFacts`; what the proof
 *   threw. Nothing is kept then.
 */
export async function copySnapshot(
  context: BackupContext,
  { trigger, signal, onProgress }: SnapshotRequest,
): Promise<SnapshotManifest> {
  const { catalog, settings, clock, proveDatabase } = context;
  const startedMs = clock.now();
  onProgress({ phase: 'connecting', bytes: 0 });
  const status = await statusIfAnswered(context, signal);
  const totalBytes = await sizeOf(databasePath(settings.dataDir));
  await requireFreeSpace(catalog.directory, roomFor(totalBytes));
  const draft = await catalog.begin();
  try {
    const copied = await copyDatabase(context, draft.path, {
      signal,
      onBytes: (bytes) => {
        onProgress({ phase: 'copying', bytes, totalBytes });
      },
    });
    const facts = readDatabaseFacts(draft.path);
    const { by } = await proveDatabase(draft.path, signal);
    // After the proof, so that a tool that wrote to the file could not go unnoticed later.
    const hashed = await hashFile(draft.path, signal, (bytes) => {
      onProgress({ phase: 'proving', bytes, totalBytes });
    });
    const keyCount = status && (await countKeys(context, facts.revision, signal));
    onProgress({ phase: 'publishing', bytes: hashed.sizeBytes });
    const manifest = composeManifest(context, {
      file: { ...hashed, ...copied, kind: 'copied', hasTrailer: false },
      proof: { grade: 'raw', by },
      facts: { ...facts, ...(keyCount === undefined ? {} : { keyCount }) },
      status,
      trigger,
      startedMs,
    });
    await draft.publish(manifest);
    return manifest;
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** A member that is stopped or hangs is no reason not to copy its file. */
async function statusIfAnswered(
  { etcd, log, isMemberRunning }: BackupContext,
  signal: AbortSignal,
): Promise<MemberStatus | undefined> {
  if (!(await isMemberRunning())) return undefined;
  try {
    return await etcd.status(signal);
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'CANCELLED') throw error;
    log.warn({ code: error.code, error: error.message }, 'The member does not say who it is.');
    return undefined;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `${path} could not be read: ${messageOf(cause)}`, { cause });
  }
}
