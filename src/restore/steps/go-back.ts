import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AgentError } from '../../base/agent-error.ts';
import { renameDurably, syncDirectory, writeTextDurably } from '../../base/durable-file.ts';
import { endProcesses } from '../../supervisor/end-processes.ts';
import { isEtcdWalEntry, type HostLayout, type WalLayout } from '../layout.ts';
import { moveOf } from '../serving-hosts.ts';
import type { HostContext } from './host-context.ts';
import { moveEntries } from '../../base/move-entries.ts';
import { pathExists } from '../../base/path-exists.ts';
import { removeIfEmpty } from './remove-if-empty.ts';
import type { Step } from './step.ts';
import { finishStop, hold, requireStopped, stop } from './stop.ts';
import { start, walMark } from './swap.ts';

/** Nothing was swapped yet: the staging goes, and etcd is again what it was found to be. */
export function abortSteps(context: HostContext): Step[] {
  return [finishStop(context), ...letGo(context), ...removeStaging(context)];
}

/** The barrier of a rollback: everybody's new etcd is down before anybody's old one comes up. */
export function rollbackStopSteps(context: HostContext): Step[] {
  return [hold(context), stop(context)];
}

/** From the new data back to the old. What the new cluster was told meanwhile is set aside too. */
export function rollbackSteps(context: HostContext): Step[] {
  return [...moveBackSteps(context), ...letGo(context), ...removeStaging(context)];
}

function moveBackSteps(context: HostContext): Step[] {
  const { wal } = context.layout;
  switch (moveOf(context.host)) {
    case 'swap': {
      const walSteps = wal === undefined ? [] : [withdrawWal(context, wal), reinstateWal(context, wal)];
      return [withdrawMember(context), ...walSteps, reinstateMember(context)];
    }
    case 'vacate':
      return [...(wal === undefined ? [] : [reinstateWal(context, wal)]), reinstateMember(context)];
    case 'keep':
      return [];
  }
}

/** The new cluster is accepted: the hold goes, the lineage is written, the old data stays where it is. */
export function finishSteps(context: HostContext): Step[] {
  return [...settleSteps(context), ...removeStaging(context)];
}

function settleSteps(context: HostContext): Step[] {
  const record = recordGeneration(context);
  switch (moveOf(context.host)) {
    case 'swap':
      return [start(context), record, release(context)];
    case 'vacate':
      return [record, release(context)];
    case 'keep':
      return [record, ...letGo(context)];
  }
}

/** The hold goes, and etcd does again what it was found doing. */
function letGo(context: HostContext): Step[] {
  switch (context.host.found) {
    case 'running':
      return [start(context), release(context)];
    case 'restarting':
      return [release(context), startAgain(context)];
    case 'stopped':
    case 'absent':
      return [release(context)];
  }
}

/**
 * An etcd that was found dying is set going again, and its supervisor goes on from there: whether it comes up is as open as
 * before. Only without the hold, which would keep it down. One whose data is not whole stays stopped.
 */
function startAgain({ supervisor, layout }: HostContext): Step {
  let tried = false;
  return {
    name: 'start-again',
    isDone: () => Promise.resolve(tried),
    run: async (signal) => {
      tried = true;
      if (!(await pathExists(join(layout.member, 'snap', 'db')))) return;
      try {
        await supervisor.start(signal);
      } catch (error) {
        if (!(error instanceof AgentError) || error.code !== 'ETCD_START_FAILED') throw error;
      }
    },
  };
}

function release({ supervisor }: HostContext): Step {
  return {
    name: 'release-hold',
    isDone: async () => (await supervisor.heldBy()) === undefined,
    run: (signal) => supervisor.release(signal),
  };
}

/**
 * The member was swapped in when the staging no longer holds it. Where it is not what was found that serves, that is set aside: an undo has its
 * staged member where anybody may have removed it.
 */
async function wasInstalled({ layout, host }: HostContext): Promise<boolean> {
  return (
    (await pathExists(layout.stagedMarker)) &&
    !(await pathExists(layout.stagedMember)) &&
    (await pathExists(layout.member)) &&
    (host.found === 'absent' || (await pathExists(layout.setAsideMember)))
  );
}

function withdrawMember(context: HostContext): Step {
  const { layout } = context;
  return {
    name: 'withdraw-member',
    isDone: async () => (await pathExists(layout.withdrawnMember)) || !(await wasInstalled(context)),
    run: async (signal) => {
      await requireStopped(context, signal);
      await renameDurably(layout.member, layout.withdrawnMember);
    },
    seal: () => syncDirectory(layout.dataDir),
  };
}

function reinstateMember(context: HostContext): Step {
  const { layout } = context;
  return {
    name: 'reinstate-member',
    isDone: async () => !(await pathExists(layout.setAsideMember)),
    run: async (signal) => {
      await requireStopped(context, signal);
      await renameDurably(layout.setAsideMember, layout.member);
    },
    seal: () => syncDirectory(layout.dataDir),
  };
}

function withdrawWal(context: HostContext, wal: WalLayout): Step {
  return {
    name: 'withdraw-wal',
    isDone: async () =>
      !(await pathExists(walMark(wal, 'set-aside'))) || (await pathExists(walMark(wal, 'withdrawn'))),
    run: async (signal) => {
      await requireStopped(context, signal);
      await moveEntries(wal.dir, wal.withdrawn, isEtcdWalEntry);
      await writeTextDurably(walMark(wal, 'withdrawn'), '');
    },
    seal: () => syncDirectory(wal.staging),
  };
}

function reinstateWal(context: HostContext, wal: WalLayout): Step {
  return {
    name: 'reinstate-wal',
    isDone: async () => !(await pathExists(wal.setAside)),
    run: async (signal) => {
      await requireStopped(context, signal);
      await moveEntries(wal.setAside, wal.dir, () => true);
      await rmdir(wal.setAside);
    },
    seal: () => syncDirectory(wal.dir),
  };
}

function recordGeneration(context: HostContext): Step {
  let recorded = false;
  return {
    name: 'record-generation',
    isDone: () => Promise.resolve(recorded),
    run: async () => {
      await context.recordGeneration();
      recorded = true;
    },
  };
}

function removeStaging({ layout, host, clock }: HostContext): Step[] {
  return [
    {
      name: 'remove-staging',
      isDone: async () =>
        !(await pathExists(layout.staging)) &&
        (layout.wal === undefined || !(await pathExists(layout.wal.staging))),
      run: async (signal) => {
        // One that outlived a crash of the agent would make the directory anew after it was removed.
        await endProcesses((words) => isRestoreInto(words, layout.staging), clock, signal);
        const madeDataDir = await pathExists(join(layout.staging, 'made-data-dir'));
        // Synced only when all of it is gone: what is left behind a sync that fails is not looked for again.
        if (layout.wal !== undefined) {
          await rm(layout.wal.staging, { recursive: true, force: true });
          // What an undo emptied: it lies beside the staging.
          await removeIfEmpty(layout.wal.staged);
          await removeIfEmpty(dirname(layout.wal.staging));
        }
        await rm(layout.stagedDataDir, { recursive: true, force: true });
        await rm(layout.staging, { recursive: true, force: true });
        await removeIfEmpty(dirname(layout.staging));
        if (madeDataDir && host.found === 'absent') await removeIfEmpty(layout.dataDir);
        await syncPlaces(layout);
      },
      seal: () => syncPlaces(layout),
    },
  ];
}

async function syncPlaces({ dataDir, wal }: HostLayout): Promise<void> {
  for (const place of [dataDir, ...(wal === undefined ? [] : [wal.dir])])
    if (await pathExists(place)) await syncDirectory(place);
}

function isRestoreInto(commandLine: readonly string[], staging: string): boolean {
  const isRestore = commandLine.some(
    (word, index) => word === 'snapshot' && commandLine[index + 1] === 'restore',
  );
  return isRestore && commandLine.some((word) => word.includes(`${staging}/`));
}
