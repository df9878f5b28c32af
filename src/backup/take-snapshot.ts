import type { HookCommand, HookOutcome } from '../base/run-hook.ts';
import { AgentError } from '../base/agent-error.ts';
import type { MemberStatus } from '../etcd/maintenance.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { isProved } from '../snapshot/grade.ts';
import type { BackupContext } from './backup-context.ts';
import type { OnBackupProgress } from './backup-progress.ts';
import { copySnapshot } from './copy-snapshot.ts';
import { runPostSnapshot } from './post-snapshot.ts';
import { saveSnapshot, type SnapshotRequest } from './save-snapshot.ts';

export interface BackupOptions extends BackupContext {
  readonly postSnapshot?: HookCommand;
}

export interface TakenResult {
  readonly manifest: SnapshotManifest;
  /** IDs that retention removed afterwards. */
  readonly removed: readonly string[];
  /** Absent when no command is configured. */
  readonly postSnapshot?: HookOutcome;
}

export interface SkippedResult {
  readonly skipped: 'unchanged';
  readonly revision: number;
}

type Trigger = 'schedule' | 'manual' | 'restore';

/** Takes the snapshots of one member, one at a time. */
export interface Backup {
  /**
   * Streams the database from the running member. With `skipUnchanged` nothing is taken when this agent's newest proved
   * snapshot is of the same cluster and revision.
   *
   * @throws {AgentError} `SNAPSHOT_RUNNING`; as `saveSnapshot`; `ETCD_…` when the member does not answer.
   */
  save(
    options: { readonly trigger: Trigger; readonly skipUnchanged?: boolean },
    signal: AbortSignal,
    onProgress?: OnBackupProgress,
  ): Promise<TakenResult | SkippedResult>;

  /**
   * Copies `member/snap/db`, of a member that runs, hangs or is stopped.
   *
   * @throws {AgentError} `SNAPSHOT_RUNNING`; as `copySnapshot`.
   */
  copy(
    options: { readonly trigger: Trigger },
    signal: AbortSignal,
    onProgress?: OnBackupProgress,
  ): Promise<TakenResult>;
}

/**
 * A failed post-snapshot command is part of the result, not thrown. What an operation takes for itself (`restore`) runs
 * neither retention nor that command: both wait for the next snapshot of a quiet time.
 */
export function createBackup(options: BackupOptions): Backup {
  const oneAtATime = singleFlight();
  return {
    save: ({ trigger, skipUnchanged = false }, signal, onProgress = ignore) =>
      oneAtATime(async () => {
        onProgress({ phase: 'connecting', bytes: 0 });
        const status = await options.etcd.status(signal);
        if (skipUnchanged && (await holdsState(options, status))) {
          return { skipped: 'unchanged', revision: status.revision };
        }
        const manifest = await saveSnapshot(options, status, { trigger, signal, onProgress });
        return await afterwards(options, manifest, signal);
      }),
    copy: ({ trigger }, signal, onProgress = ignore) =>
      oneAtATime(async () => {
        const request: SnapshotRequest = { trigger, signal, onProgress };
        return await afterwards(options, await copySnapshot(options, request), signal);
      }),
  };
}

function singleFlight(): <T>(take: () => Promise<T>) => Promise<T> {
  let isRunning = false;
  return async (take) => {
    if (isRunning) throw new AgentError('SNAPSHOT_RUNNING', 'another snapshot is being taken on this host');
    isRunning = true;
    try {
      return await take();
    } finally {
      isRunning = false;
    }
  };
}

/** Imported ones do not count: nobody knows of which cluster they are. */
async function holdsState({ catalog, settings }: BackupContext, status: MemberStatus): Promise<boolean> {
  const newest = (await catalog.list()).find(
    (manifest) => isProved(manifest) && manifest.agent === settings.agent && manifest.kind !== 'imported',
  );
  return newest?.revision === status.revision && newest.clusterId === status.clusterId;
}

async function afterwards(
  options: BackupOptions,
  manifest: SnapshotManifest,
  signal: AbortSignal,
): Promise<TakenResult> {
  if (manifest.trigger === 'restore') return { manifest, removed: [] };
  const { catalog, settings, postSnapshot } = options;
  const removed = await catalog.removeExpired({ keep: settings.keep, justTaken: manifest.id });
  if (postSnapshot === undefined) return { manifest, removed };
  const lease = catalog.use(manifest.id);
  try {
    const snapshot = { manifest, path: catalog.pathOf(manifest.id) };
    return { manifest, removed, postSnapshot: await runPostSnapshot(postSnapshot, snapshot, signal) };
  } finally {
    lease[Symbol.dispose]();
  }
}

function ignore(): void {
  // Nobody asked for progress.
}
