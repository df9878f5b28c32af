import { stat } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { requireFreeSpace } from '../base/free-space.ts';
import type { MemberStatus } from '../etcd/maintenance.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { provedFacts } from '../snapshot/database-facts.ts';
import { requireSound } from '../snapshot/judge-structure.ts';
import type { BackupContext } from './backup-context.ts';
import { composeManifest } from './compose-manifest.ts';
import { copyDatabase, databasePath } from './copy-database.ts';
import { judgeWal } from './judge-wal.ts';
import { proveTaken } from './prove-taken.ts';
import { roomFor, type SnapshotRequest } from './save-snapshot.ts';
import { readWalBeside } from './wal-beside.ts';

/**
 * Copies `member/snap/db` into the catalog. It carries no hash to be compared with, so all that proves it is its structure, of which every
 * page is read; its grade is `raw`.
 *
 * @throws {AgentError} `NO_SPACE` before the first byte; as `copyDatabase`, `proveFile` and `requireSound`. Nothing is kept then.
 */
export async function copySnapshot(
  context: BackupContext,
  { trigger, signal, onProgress }: SnapshotRequest,
): Promise<SnapshotManifest> {
  const { catalog, settings, clock, prover } = context;
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
    // Before the proof, which takes as long as it takes: a running member goes on writing.
    const wal = await readWalBeside(settings, signal);
    const reading = { totalBytes, signal, onProgress };
    const { bytes, keyspace } = await proveTaken(context, reading, (options) =>
      prover.proveFile(draft.path, options),
    );
    const facts = provedFacts(requireSound('the copy', keyspace));
    const hashed = { sha256: bytes.sha256, sizeBytes: bytes.sizeBytes };
    const { consistentIndex } = facts;
    const isOffline = copied.method === 'offline-copy';
    const { note, walEntriesNewer, ...identity } = judgeWal(wal, { consistentIndex, status, isOffline });
    onProgress({ phase: 'publishing', bytes: hashed.sizeBytes });
    const manifest = composeManifest(context, {
      file: {
        ...hashed,
        ...copied,
        kind: 'copied',
        hasTrailer: false,
        ...(walEntriesNewer === undefined ? {} : { walEntriesNewer }),
        ...joinNotes(copied.note, note),
      },
      proof: { grade: 'raw', by: 'structure walked after it was copied' },
      facts,
      status,
      identity,
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

function joinNotes(...notes: readonly (string | undefined)[]): Pick<SnapshotManifest, 'note'> {
  const said = notes.filter((note) => note !== undefined);
  return said.length === 0 ? {} : { note: said.join('; ') };
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
