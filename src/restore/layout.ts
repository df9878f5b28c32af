import { join } from 'node:path';
import type { PlanHost } from '../formats/restore-plan.ts';

/** The agent's own directory inside a data or WAL dir; a rename from it stays on one file system. */
export const STAGING_ROOT = '.lifeboat';

/** Where an operation puts things on one host. Every path is inside the data dir or the WAL dir. */
export interface HostLayout {
  readonly dataDir: string;
  /** What etcd serves from. */
  readonly member: string;
  /** The data that was found, renamed; an operation never deletes it. */
  readonly setAsideMember: string;
  /** What a rollback took out of service again; never deleted either. */
  readonly withdrawnMember: string;
  readonly staging: string;
  /** The restore tool's `--data-dir`. */
  readonly stagedDataDir: string;
  readonly stagedMember: string;
  /** Written when the staged data was proved and synced. */
  readonly stagedMarker: string;
  readonly wal?: WalLayout;
}

/** A separate WAL dir may be a mount point, so its entries move, not the directory. */
export interface WalLayout {
  readonly dir: string;
  readonly staging: string;
  /** The restore tool's `--wal-dir`. */
  readonly staged: string;
  readonly setAside: string;
  readonly withdrawn: string;
}

export function layoutOf(host: Pick<PlanHost, 'dataDir' | 'walDir'>, operation: string): HostLayout {
  const staging = join(host.dataDir, STAGING_ROOT, operation);
  const stagedDataDir = join(staging, 'data');
  return {
    dataDir: host.dataDir,
    member: join(host.dataDir, 'member'),
    setAsideMember: join(host.dataDir, `member.before-${operation}`),
    withdrawnMember: join(host.dataDir, `member.restored-${operation}`),
    staging,
    stagedDataDir,
    stagedMember: join(stagedDataDir, 'member'),
    stagedMarker: join(staging, 'staged.json'),
    ...(host.walDir === undefined ? {} : { wal: walLayoutOf(host.walDir, operation) }),
  };
}

function walLayoutOf(dir: string, operation: string): WalLayout {
  const staging = join(dir, STAGING_ROOT, operation);
  return {
    dir,
    staging,
    staged: join(staging, 'wal'),
    setAside: join(dir, `wal.before-${operation}`),
    withdrawn: join(dir, `wal.restored-${operation}`),
  };
}

/** Whether an entry of a separate WAL dir is etcd's, and not ours or the file system's. */
export function isEtcdWalEntry(name: string): boolean {
  return (
    name !== STAGING_ROOT &&
    name !== 'lost+found' &&
    !name.startsWith('wal.before-') &&
    !name.startsWith('wal.restored-')
  );
}
