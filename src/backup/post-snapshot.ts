import { asAgentError, AgentError } from '../base/agent-error.ts';
import { lastLines, runCommand } from '../base/run-command.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';

/** What an operator wants to happen after each new snapshot: a copy to elsewhere, say. */
export interface PostSnapshotCommand {
  /** A program and its arguments; no shell. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

export type PostSnapshotOutcome =
  { readonly ok: true; readonly durationMs: number } | { readonly ok: false; readonly error: AgentError };

/**
 * Runs the command with the snapshot's facts in its environment. Its failure is a result and never thrown, an abort by
 * `signal` neither: the snapshot is safe whatever the command did.
 */
export async function runPostSnapshot(
  post: PostSnapshotCommand,
  snapshot: { readonly manifest: SnapshotManifest; readonly path: string },
  signal: AbortSignal,
): Promise<PostSnapshotOutcome> {
  const [file = '', ...args] = post.command;
  try {
    const result = await runCommand(file, args, {
      signal,
      timeoutMs: post.timeoutMs,
      env: environmentOf(snapshot.manifest, snapshot.path),
    });
    if (result.exitStatus === 0) return { ok: true, durationMs: result.durationMs };
    return failed(`${file} ended with exit status ${result.exitStatus}: ${lastLines(result)}`);
  } catch (thrown) {
    const error = asAgentError(thrown, 'POST_SNAPSHOT_FAILED');
    return failed(error.message, error);
  }
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

function failed(message: string, cause?: AgentError): PostSnapshotOutcome {
  const options = cause === undefined ? {} : { cause };
  return { ok: false, error: new AgentError('POST_SNAPSHOT_FAILED', message, options) };
}
