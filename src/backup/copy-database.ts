import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import type { OnBytes } from '../base/hash-file.ts';
import type { BackupContext } from './backup-context.ts';
import type { CopiedDatabase } from './copied-database.ts';
import { copyPinned } from './pinned-copy.ts';
import { copyUnmoved } from './plain-copy.ts';

/** A member that does not begin a stream within this time is taken for hung, and its file is copied without it. */
const LONGEST_PIN_MS = 15_000;

/** No stream can be had, or it broke; the file can still be copied. */
const NO_PIN = new Set<string>([
  'ETCD_UNREACHABLE',
  'ETCD_TIMEOUT',
  'ETCD_AUTH_FAILED',
  'ETCD_REFUSED',
  'ETCD_LEARNER',
  'SNAPSHOT_STALLED',
  'SNAPSHOT_TRUNCATED',
  'COPY_TORN',
]);

/** Where etcd keeps its database (etcd-io/etcd: server/storage/datadir). */
export function databasePath(dataDir: string): string {
  return join(dataDir, 'member', 'snap', 'db');
}

/**
 * Copies the database of the local member to `to`, in the best way its state allows: pinned by a snapshot stream; without
 * one (no quorum under password authentication, a hung etcd) when the file holds still; or at rest when it is stopped.
 *
 * @param to - Must not exist; removed again when this throws. Synced, its name is not.
 * @throws {AgentError} `COPY_TORN`, `CANCELLED`, `NO_SPACE`, `FILE_UNREADABLE`, `SNAPSHOT_DAMAGED`, `SNAPSHOT_NOT_A_DATABASE`.
 */
export async function copyDatabase(
  context: BackupContext,
  to: string,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes: OnBytes },
): Promise<CopiedDatabase> {
  const files = { from: databasePath(context.settings.dataDir), to };
  if (!(await context.isMemberRunning())) return await copyOffline(context, files, { signal, onBytes });
  const { etcd, clock, settings, log } = context;
  const stallMs = Math.min(settings.stallMs, LONGEST_PIN_MS);
  try {
    return await copyPinned(() => etcd.snapshot(signal), files, { stallMs, clock, signal, onBytes });
  } catch (error) {
    if (!(error instanceof AgentError) || !NO_PIN.has(error.code)) throw error;
    log.warn(
      { code: error.code, error: error.message },
      'The database is copied without a stream to pin it.',
    );
    const copy = await copyUnmoved(files, { signal, onBytes });
    return {
      method: 'plain-copy',
      reflinked: copy.method === 'reflink',
      note: `not pinned: ${error.code}. What etcd had only in its WAL is missing: about its last 100 ms.`,
    };
  }
}

async function copyOffline(
  context: BackupContext,
  files: { readonly from: string; readonly to: string },
  options: { readonly signal: AbortSignal; readonly onBytes: OnBytes },
): Promise<CopiedDatabase> {
  const copy = await copyUnmoved(files, options);
  const reflinked = copy.method === 'reflink';
  if (!(await context.isMemberRunning())) return { method: 'offline-copy', reflinked };
  return { method: 'plain-copy', reflinked, note: 'the member was started while its database was copied' };
}
