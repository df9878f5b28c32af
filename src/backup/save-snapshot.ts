import { requireFreeSpace } from '../base/free-space.ts';
import type { MemberStatus } from '../etcd/maintenance.ts';
import type { SnapshotManifest, SnapshotTrigger } from '../formats/snapshot-manifest.ts';
import { readDatabaseFacts } from '../snapshot/database-facts.ts';
import type { BackupContext } from './backup-context.ts';
import type { OnBackupProgress } from './backup-progress.ts';
import { composeManifest } from './compose-manifest.ts';
import { countKeys } from './count-keys.ts';
import { saveStream } from './save-stream.ts';

export interface SnapshotRequest {
  readonly trigger: SnapshotTrigger;
  readonly signal: AbortSignal;
  readonly onProgress: OnBackupProgress;
}

/** The database may grow between the question and the stream; the rest is the manifest and the directories. */
const GROWTH = 1.05;
const MARGIN_BYTES = 16 << 20;

/**
 * Streams the member's database into the catalog, proved by its trailer.
 *
 * @param status - What the member just said of itself.
 * @throws {AgentError} `NO_SPACE` before the first byte; as `saveStream`; as `readDatabaseFacts`. Nothing is kept then.
 */
export async function saveSnapshot(
  context: BackupContext,
  status: MemberStatus,
  { trigger, signal, onProgress }: SnapshotRequest,
): Promise<SnapshotManifest> {
  const { catalog, etcd, settings, clock } = context;
  const startedMs = clock.now();
  const totalBytes = status.dbSizeBytes;
  await requireFreeSpace(catalog.directory, roomFor(totalBytes));
  const draft = await catalog.begin();
  try {
    const saved = await saveStream(etcd.snapshot(signal), draft.path, {
      stallMs: settings.stallMs,
      clock,
      signal,
      onBytes: (bytes) => {
        onProgress({ phase: 'streaming', bytes, totalBytes });
      },
    });
    onProgress({ phase: 'proving', bytes: 0 });
    const facts = readDatabaseFacts(draft.path);
    const keyCount = await countKeys(context, facts.revision, signal);
    onProgress({ phase: 'publishing', bytes: saved.sizeBytes });
    const manifest = composeManifest(context, {
      file: { ...saved, kind: 'streamed', hasTrailer: true, method: 'stream' },
      proof: { grade: 'hashed', by: 'trailer compared while it was streamed' },
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

/** Free bytes that must be there before a database of `dbSizeBytes` is fetched. */
export function roomFor(dbSizeBytes: number): number {
  return Math.ceil(dbSizeBytes * GROWTH) + MARGIN_BYTES;
}
