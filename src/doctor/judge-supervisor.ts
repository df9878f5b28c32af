import type { FileUser } from '../supervisor/open-files.ts';
import type { Fence } from '../supervisor/hold-file.ts';
import { fail, ok, warn, type Check } from './check.ts';

/** Whether the processes that have etcd's data open are seen: a stop is believed only then. */
export function judgeSight(users: readonly FileUser[], pid: number | undefined, user: string): Check {
  const id = 'supervisor.sight';
  if (pid === undefined) return ok(id, 'no etcd runs, and no process has its files open');
  const writers = users.filter(({ writing }) => writing);
  const others = writers.filter((other) => other.pid !== pid);
  if (!writers.some((writer) => writer.pid === pid)) {
    return fail(
      id,
      `process ${pid} is etcd, and ${user} does not see that it has the data directory open`,
      'Is `etcd.dataDir` the one that it uses, and does the agent run as the user that etcd runs as?',
    );
  }
  if (others.length > 0) {
    return warn(
      id,
      `beside process ${pid}, ${others.map((other) => `process ${other.pid} (${other.command})`).join(', ')} has the data open`,
      'Stop it: a restore waits until nobody has the data open.',
    );
  }
  return ok(id, `process ${pid} is seen to have the data directory open`);
}

/** Whether something keeps etcd from starting. */
export function judgeHold(
  heldBy: string | undefined,
  activeOperation: string | undefined,
  fence: Fence | undefined,
): Check {
  const id = 'supervisor.hold';
  if (fence !== undefined && heldBy === undefined)
    return fail(
      id,
      `etcd is kept stopped since ${fence.since}: its member was superseded by ${fence.by}`,
      '`lifeboat member rejoin` makes it a member of the cluster that took the place of its own.',
    );
  if (heldBy === undefined) return ok(id, 'nothing keeps etcd from starting');
  if (heldBy === activeOperation)
    return warn(id, `restore ${heldBy} keeps etcd from starting`, '`lifeboat restore status`');
  return fail(
    id,
    `a hold of ${heldBy} keeps etcd from starting, and no such restore goes on here`,
    '`lifeboat restore status` says how it ended, and what it wants of you.',
  );
}
