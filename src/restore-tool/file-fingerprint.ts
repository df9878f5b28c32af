import { stat } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';

/** What changes when anybody writes, replaces, links or re-owns a file. Reading changes none of it. */
export interface FileFingerprint {
  readonly device: bigint;
  readonly inode: bigint;
  readonly sizeBytes: bigint;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
}

/** @throws {AgentError} `FILE_UNREADABLE` */
export async function fingerprintFile(path: string): Promise<FileFingerprint> {
  try {
    const found = await stat(path, { bigint: true });
    return {
      device: found.dev,
      inode: found.ino,
      sizeBytes: found.size,
      modifiedNs: found.mtimeNs,
      changedNs: found.ctimeNs,
    };
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `${path}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Proves that a file is what it was, without reading it again.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED` with what changed; `FILE_UNREADABLE` when it is gone.
 */
export async function requireUntouched(path: string, before: FileFingerprint): Promise<void> {
  const after = await fingerprintFile(path);
  const fields = ['device', 'inode', 'sizeBytes', 'modifiedNs', 'changedNs'] as const;
  const changes = fields
    .filter((field) => after[field] !== before[field])
    .map((field) => `${field} from ${before[field].toString()} to ${after[field].toString()}`);
  if (changes.length === 0) return;
  throw new AgentError('SNAPSHOT_DAMAGED', `${path} changed while a tool read it: ${changes.join(', ')}`, {
    details: { path, changes },
  });
}
