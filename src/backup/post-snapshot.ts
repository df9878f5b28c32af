import { runHook, type HookCommand, type HookOutcome } from '../base/run-hook.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';

/** Runs the command with the snapshot's facts in its environment. Its failure is a result: the snapshot is safe all the same. */
export async function runPostSnapshot(
  post: HookCommand,
  snapshot: { readonly manifest: SnapshotManifest; readonly path: string },
  signal: AbortSignal,
): Promise<HookOutcome> {
  return await runHook(post, environmentOf(snapshot.manifest, snapshot.path), 'POST_SNAPSHOT_FAILED', signal);
}

function environmentOf(manifest: SnapshotManifest, path: string): Record<string, string> {
  return {
    LIFEBOAT_SNAPSHOT_ID: manifest.id,
    LIFEBOAT_SNAPSHOT_PATH: path,
    LIFEBOAT_SNAPSHOT_SHA256: manifest.sha256,
    LIFEBOAT_SNAPSHOT_REVISION: String(manifest.revision),
    LIFEBOAT_SNAPSHOT_SIZE_BYTES: String(manifest.sizeBytes),
    LIFEBOAT_SNAPSHOT_KIND: manifest.kind,
  };
}
