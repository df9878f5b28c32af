import { join } from 'node:path';
import type { PlanDecision, PlanHost, UndoDecision } from '../formats/restore-plan.ts';

/** The agent's own directory inside a data or WAL dir; a rename from it stays on one file system. */
export const STAGING_ROOT = '.lifeboat';

/** Where an operation puts things on one host. Every path is inside the data dir or the WAL dir. */
export interface HostLayout {
  readonly dataDir: string;
  /** What etcd serves from. */
  readonly member: string;
  /** The data that was found, renamed; an operation never deletes it. */
  readonly setAsideMember: string;
  /** What a rollback took out of service again; never deleted either. Of an undo, where it was staged: it can be tried again. */
  readonly withdrawnMember: string;
  readonly staging: string;
  /** The restore tool's `--data-dir`. */
  readonly stagedDataDir: string;
  /** What is swapped in. Of an undo, what the undone operation set aside. */
  readonly stagedMember: string;
  /** Written when the staged data was proved and synced. */
  readonly stagedMarker: string;
  readonly wal?: WalLayout;
}

/** A separate WAL dir may be a mount point, so its entries move, not the directory. */
export interface WalLayout {
  readonly dir: string;
  readonly staging: string;
  /** The restore tool's `--wal-dir`; of an undo, what the undone operation set aside. */
  readonly staged: string;
  readonly setAside: string;
  readonly withdrawn: string;
}

/** As the plan has it: an undo takes its data from where the operation that is undone set it aside, and gives it back there. */
export function layoutOf(
  host: Pick<PlanHost, 'dataDir' | 'walDir'>,
  decided: Pick<PlanDecision, 'operation'> | Pick<UndoDecision, 'operation' | 'undoes'>,
): HostLayout {
  const layout = restoreLayoutOf(host, decided.operation);
  if (!('undoes' in decided)) return layout;
  const { setAsideMember, wal } = restoreLayoutOf(host, decided.undoes.operation);
  return {
    ...layout,
    stagedMember: setAsideMember,
    withdrawnMember: setAsideMember,
    ...(layout.wal === undefined || wal === undefined
      ? {}
      : { wal: { ...layout.wal, staged: wal.setAside, withdrawn: wal.setAside } }),
  };
}

/** Where the data is that an operation set aside. */
export function setAsidePlaces(
  host: Pick<PlanHost, 'dataDir' | 'walDir'>,
  operation: string,
): { readonly member: string; readonly wal: string } {
  const { setAsideMember, wal } = restoreLayoutOf(host, operation);
  return { member: setAsideMember, wal: wal?.setAside ?? join(setAsideMember, 'wal') };
}

function restoreLayoutOf(host: Pick<PlanHost, 'dataDir' | 'walDir'>, operation: string): HostLayout {
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
