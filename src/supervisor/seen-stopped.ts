import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { describeUsers, processesUsing, type FileUser } from './open-files.ts';

const LAST_CLOSES_MS = 1000;
const LOOK_AGAIN_MS = 50;

/**
 * Resolves when no other process has a file below the directories open.
 *
 * @param graceMs - How long a process may take that is about to end.
 * @throws {AgentError} `ETCD_STILL_RUNNING`; `details.pids` has the ids.
 */
export async function untilNobodyUses(
  directories: readonly string[],
  clock: Clock,
  signal: AbortSignal,
  graceMs = LAST_CLOSES_MS,
): Promise<void> {
  const deadline = clock.now() + graceMs;
  for (;;) {
    signal.throwIfAborted();
    const users = await processesUsing(directories);
    if (users.length === 0) return;
    if (clock.now() >= deadline) throw stillRunning(users);
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/**
 * Before a start: another etcd on the same directory would take it over when ours ends. Readers do not matter here.
 *
 * @throws {AgentError} `ETCD_STILL_RUNNING`; `details.pids` has the ids.
 */
export async function requireNobodyWrites(directories: readonly string[]): Promise<void> {
  const writers = (await processesUsing(directories)).filter(({ writing }) => writing);
  if (writers.length > 0) throw stillRunning(writers);
}

function stillRunning(users: readonly FileUser[]): AgentError {
  return new AgentError('ETCD_STILL_RUNNING', describeUsers(users), {
    details: { pids: users.map(({ pid }) => String(pid)) },
  });
}
