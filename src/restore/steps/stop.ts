import { AgentError } from '../../base/agent-error.ts';
import { describeUsers, processesUsing, type FileUser } from '../../supervisor/open-files.ts';
import type { HostContext } from './host-context.ts';
import type { Step } from './step.ts';

/** The hold first, so that nobody starts etcd again between the stop and the swap. */
export function stopSteps(context: HostContext): Step[] {
  return [hold(context), stop(context)];
}

/** Seen again after the last host reported: nothing runs, and nobody but this agent can start it. */
export function confirmSteps(context: HostContext): Step[] {
  let seen = false;
  return [
    {
      name: 'see-stopped',
      askAgain: true,
      isDone: () => Promise.resolve(seen),
      run: async () => {
        await requireStopped(context);
        const holder = await context.supervisor.heldBy();
        if (holder !== context.plan.decided.operation) {
          throw new AgentError(
            'RESTORE_STEP_FAILED',
            `the hold on etcd is gone: it belongs to ${holder ?? 'nobody'}`,
          );
        }
        seen = true;
      },
    },
  ];
}

export function hold({ supervisor, plan }: HostContext): Step {
  const { operation } = plan.decided;
  return {
    name: 'hold',
    askAgain: true,
    isDone: async () => (await supervisor.heldBy()) === operation,
    run: (signal) => supervisor.hold(operation, signal),
  };
}

export function stop(context: HostContext): Step {
  return {
    name: 'stop',
    askAgain: true,
    isDone: async () => (await usersOf(context)).length === 0,
    run: async (signal) => {
      await context.turnToStop?.(signal);
      await context.supervisor.stop(signal);
    },
  };
}

/** A stop that was begun ends before etcd is started again: one that still shuts down looks like one that runs. */
export function finishStop(context: HostContext): Step {
  const { supervisor, plan } = context;
  return {
    name: 'finish-stop',
    isDone: async () =>
      (await supervisor.heldBy()) !== plan.decided.operation || (await usersOf(context)).length === 0,
    run: (signal) => supervisor.stop(signal),
  };
}

/** @throws {AgentError} `ETCD_STILL_RUNNING` naming the processes that have a file of the data or WAL dir open. */
export async function requireStopped(context: HostContext): Promise<void> {
  const users = await usersOf(context);
  if (users.length === 0) return;
  throw new AgentError('ETCD_STILL_RUNNING', describeUsers(users), {
    details: { pids: users.map((user) => `${user.pid}`) },
  });
}

async function usersOf({ host }: HostContext): Promise<FileUser[]> {
  const users = await processesUsing([host.dataDir, ...(host.walDir === undefined ? [] : [host.walDir])]);
  return users.filter(({ writing }) => writing);
}
