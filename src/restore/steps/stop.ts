import { AgentError } from '../../base/agent-error.ts';
import { pathExists } from '../../base/path-exists.ts';
import { runHook } from '../../base/run-hook.ts';
import { describeUsers, processesUsing, type FileUser } from '../../supervisor/open-files.ts';
import { hasProcess } from '../../supervisor/supervisor.ts';
import { hookFacts } from '../hook-facts.ts';
import { PRE_STOP } from '../hook-record.ts';
import { isServing } from '../serving-hosts.ts';
import type { HostContext } from './host-context.ts';
import type { Step } from './step.ts';

/** The hold before the stop, so that nobody starts etcd again between the stop and the swap. */
export function stopSteps(context: HostContext): Step[] {
  return [...preStop(context), hold(context), stop(context)];
}

/** The command before the stop, while etcd still serves. Its failure fails the host, and so aborts the operation. */
function preStop(context: HostContext): Step[] {
  const { settings, plan, host } = context;
  const hook = settings.hooks?.preStop;
  if (hook === undefined) return [];
  let ran = false;
  return [
    {
      name: PRE_STOP,
      isDone: () => Promise.resolve(ran),
      run: async (signal) => {
        const facts = hookFacts({ hook: 'preStop', plan, host, phase: 'stopping' });
        const outcome = await runHook(hook, facts, 'PRE_STOP_FAILED', signal);
        if (!outcome.ok) throw outcome.error;
        ran = true;
      },
    },
  ];
}

/** Seen again after the last host reported: nothing runs, and nobody but this agent can start it. */
export function confirmSteps(context: HostContext): Step[] {
  let seen = false;
  return [
    {
      name: 'see-stopped',
      askAgain: true,
      isDone: () => Promise.resolve(seen),
      run: async (signal) => {
        await requireStopped(context, signal);
        const holder = await context.supervisor.heldBy();
        if (holder !== context.plan.decided.operation) {
          throw new AgentError(
            'RESTORE_STEP_FAILED',
            `the hold on etcd is gone: it belongs to ${holder ?? 'nobody'}`,
          );
        }
        await requireStaged(context);
        seen = true;
      },
    },
  ];
}

/** The last look before the decision, after which there would be nothing to swap in. */
async function requireStaged({ layout, host }: HostContext): Promise<void> {
  if (!isServing(host)) return;
  for (const staged of [layout.stagedMember, ...(layout.wal === undefined ? [] : [layout.wal.staged])]) {
    if (await pathExists(staged)) continue;
    throw new AgentError('RESTORE_STEP_FAILED', `${staged} was there when it was proved, and is gone`);
  }
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
    isDone: (signal) => isStopped(context, signal),
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
    isDone: async (signal) =>
      (await supervisor.heldBy()) !== plan.decided.operation || (await isStopped(context, signal)),
    run: (signal) => supervisor.stop(signal),
  };
}

/** An etcd that was started a moment ago has no file open yet, and is about to: its supervisor knows of it. */
async function isStopped(context: HostContext, signal: AbortSignal): Promise<boolean> {
  return (await usersOf(context)).length === 0 && !hasProcess(await context.supervisor.state(signal));
}

/**
 * @throws {AgentError} `ETCD_STILL_RUNNING` naming the processes that have a file of the data or WAL dir open, or the
 *   one that the supervisor started; what the supervisor throws when it cannot be asked.
 */
export async function requireStopped(context: HostContext, signal: AbortSignal): Promise<void> {
  const users = await usersOf(context);
  if (users.length > 0) {
    throw new AgentError('ETCD_STILL_RUNNING', describeUsers(users), {
      details: { pids: users.map((user) => `${user.pid}`) },
    });
  }
  const state = await context.supervisor.state(signal);
  if (!hasProcess(state)) return;
  const pid = state.pid === undefined ? '' : ` as process ${state.pid}`;
  throw new AgentError('ETCD_STILL_RUNNING', `the supervisor says that etcd is ${state.state}${pid}`, {
    details: { pids: state.pid === undefined ? [] : [`${state.pid}`] },
  });
}

async function usersOf({ host }: HostContext): Promise<FileUser[]> {
  const users = await processesUsing([host.dataDir, ...(host.walDir === undefined ? [] : [host.walDir])]);
  return users.filter(({ writing }) => writing);
}
