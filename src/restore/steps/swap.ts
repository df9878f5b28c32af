import { dirname, join } from 'node:path';
import { AgentError } from '../../base/agent-error.ts';
import { renameDurably, syncDirectory, writeTextDurably } from '../../base/durable-file.ts';
import { hasProcess } from '../../supervisor/supervisor.ts';
import { isEtcdWalEntry, type WalLayout } from '../layout.ts';
import { moveOf } from '../serving-hosts.ts';
import type { HostContext } from './host-context.ts';
import { moveEntries } from '../../base/move-entries.ts';
import { pathExists } from '../../base/path-exists.ts';
import type { Step } from './step.ts';
import { requireStopped } from './stop.ts';

/**
 * From the old data to the new. Both halves are in place before the start: with a member directory but no
 * WAL, etcd 3.4 and 3.5 start under the old cluster ID and replay old entries onto restored data.
 */
export function commitSteps(context: HostContext): Step[] {
  const { wal } = context.layout;
  switch (moveOf(context.host)) {
    case 'swap': {
      const walSteps = wal === undefined ? [] : [setAsideWal(context, wal), installWal(context, wal)];
      return [setAsideMember(context), ...walSteps, installMember(context), start(context)];
    }
    case 'vacate':
      return [setAsideMember(context), ...(wal === undefined ? [] : [setAsideWal(context, wal)])];
    case 'keep':
      return [];
  }
}

function setAsideMember(context: HostContext): Step {
  const { layout, host } = context;
  return {
    name: 'set-aside-member',
    isDone: async () => host.found === 'absent' || (await pathExists(layout.setAsideMember)),
    run: async (signal) => {
      await requireStopped(context, signal);
      await renameDurably(layout.member, layout.setAsideMember);
    },
    seal: () => syncDirectory(layout.dataDir),
  };
}

function installMember(context: HostContext): Step {
  const { layout } = context;
  return {
    name: 'install-member',
    isDone: async () => !(await pathExists(layout.stagedMember)) && (await pathExists(layout.member)),
    run: async (signal) => {
      await requireStopped(context, signal);
      if (await pathExists(layout.member)) {
        throw new AgentError(
          'RESTORE_STEP_FAILED',
          `${layout.member} appeared after the old data was set aside`,
        );
      }
      await renameDurably(layout.stagedMember, layout.member);
    },
    seal: async () => {
      await syncDirectory(layout.dataDir);
      await syncDirectory(dirname(layout.stagedMember));
    },
  };
}

/** Entries tell nothing of how far a move got once new ones took their place: a synced mark does. */
export function walMark(
  wal: WalLayout,
  name: 'set-aside' | 'installed' | 'withdrawn' | 'reinstated',
): string {
  return join(wal.staging, `${name}.done`);
}

function setAsideWal(context: HostContext, wal: WalLayout): Step {
  return {
    name: 'set-aside-wal',
    isDone: () => pathExists(walMark(wal, 'set-aside')),
    run: async (signal) => {
      await requireStopped(context, signal);
      await moveEntries(wal.dir, wal.setAside, isEtcdWalEntry);
      await writeTextDurably(walMark(wal, 'set-aside'), '');
    },
    seal: () => syncDirectory(wal.staging),
  };
}

function installWal(context: HostContext, wal: WalLayout): Step {
  return {
    name: 'install-wal',
    isDone: () => pathExists(walMark(wal, 'installed')),
    run: async (signal) => {
      await requireStopped(context, signal);
      await moveEntries(wal.staged, wal.dir, () => true);
      await writeTextDurably(walMark(wal, 'installed'), '');
    },
    seal: () => syncDirectory(wal.staging),
  };
}

/** Starts etcd under the hold, and only on a data dir that is whole. */
export function start(context: HostContext): Step {
  const { supervisor, layout } = context;
  return {
    name: 'start',
    askAgain: true,
    isDone: async (signal) => hasProcess(await supervisor.state(signal)),
    run: async (signal) => {
      if (!(await pathExists(join(layout.member, 'snap', 'db')))) {
        throw new AgentError(
          'RESTORE_STEP_FAILED',
          `${layout.member} is not whole: etcd is not started on it`,
        );
      }
      await supervisor.start(signal);
    },
  };
}
