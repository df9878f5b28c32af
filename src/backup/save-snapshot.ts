import { requireFreeSpace } from '../base/free-space.ts';
import type { MemberStatus } from '../etcd/maintenance.ts';
import type { SnapshotManifest, SnapshotTrigger } from '../formats/snapshot-manifest.ts';
import { provedFacts } from '../snapshot/database-facts.ts';
import { requireSound } from '../snapshot/judge-structure.ts';
import type { BackupContext } from './backup-context.ts';
import type { OnBackupProgress } from './backup-progress.ts';
import { compareHash } from './compare-hash.ts';
import { composeManifest } from './compose-manifest.ts';
import { proveTaken } from './prove-taken.ts';
import { saveStream } from './save-stream.ts';

export interface SnapshotRequest {
  readonly trigger: SnapshotTrigger;
  readonly signal: AbortSignal;
  readonly onProgress: OnBackupProgress;
}

/** The database may grow between the question and the stream; the rest is the manifest and the directories. */
const GROWTH = 1.05;
const MARGIN_BYTES = 16 << 20;

const PROVED_BY = 'trailer compared while it was streamed, structure walked';

/**
 * Streams the member's database into the catalog, proved by its trailer while it arrives, and then by a walk through its structure.
 *
 * @param status - What the member just said of itself.
 * @throws {AgentError} `NO_SPACE` before the first byte; as `saveStream`, `proveKeyspace`, `requireSound` and `compareHash`. Nothing is kept then.
 */
export async function saveSnapshot(
  context: BackupContext,
  status: MemberStatus,
  { trigger, signal, onProgress }: SnapshotRequest,
): Promise<SnapshotManifest> {
  const { catalog, etcd, settings, clock, prover } = context;
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
    const walk = { totalBytes: saved.sizeBytes, signal, onProgress };
    const proof = await proveTaken(context, walk, (options) => prover.proveKeyspace(draft.path, options));
    const facts = provedFacts(requireSound('what arrived', proof));
    const isCompared = await compareHash(context, facts, status, signal);
    onProgress({ phase: 'publishing', bytes: saved.sizeBytes });
    const manifest = composeManifest(context, {
      file: { ...saved, kind: 'streamed', hasTrailer: true, method: 'stream' },
      proof: {
        grade: 'hashed',
        by: isCompared ? `${PROVED_BY}, HashKV compared with the member's` : PROVED_BY,
      },
      facts,
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
