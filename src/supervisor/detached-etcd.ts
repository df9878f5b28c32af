import { once } from 'node:events';
import type { Clock } from '../base/clock.ts';
import { identifyProcess, isAlive, type ProcessIdentity } from './process-identity.ts';
import { sendSignal } from './send-signal.ts';

/** An etcd that runs apart from the agent. */
export interface DetachedEtcd {
  readonly identity: ProcessIdentity;
  readonly startedAtMs: number;
  /** Where its words begin in the log file. */
  readonly logFromByte: number;
  /** Resolves when it ended, with how. */
  readonly ended: Promise<string>;
}

const LOOK_AGAIN_MS = 250;

/** How an adopted process ended: the kernel tells only its parent more, so /proc is looked at until it is gone. */
export async function untilGone(
  identity: ProcessIdentity,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  while (await isAlive(identity)) await clock.sleep(LOOK_AGAIN_MS, signal);
  return 'unknown: it was started by an earlier agent';
}

/** How it ended; `undefined` when `signal` was aborted before. Nothing of this wait is left on the signal. */
export async function endedUnless(etcd: DetachedEtcd, signal: AbortSignal): Promise<string | undefined> {
  const decided = new AbortController();
  const given = once(signal, 'abort', { signal: decided.signal }).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([etcd.ended, given]);
  } finally {
    decided.abort();
  }
}

/** Whether it ends within `timeoutMs`. */
export async function endsWithin(
  etcd: DetachedEtcd,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const decided = new AbortController();
  const late = clock.sleep(timeoutMs, AbortSignal.any([signal, decided.signal])).then(() => false);
  // The loser of the race is cancelled below, which is no failure.
  late.catch(() => undefined);
  try {
    return await Promise.race([etcd.ended.then(() => true), late]);
  } finally {
    decided.abort();
  }
}

/** Sends a signal to the process and to what it started in its process group. Nothing happens when it is gone. */
export async function signalEtcd({ identity }: DetachedEtcd, name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  // The id may belong to somebody else by now.
  if (!(await isAlive(identity))) return;
  if (!sendSignal(-identity.pid, name)) sendSignal(identity.pid, name);
}

/** The identity of a process just started; one that is gone already gets a start time nothing else has. */
export async function identifyOrGone(pid: number): Promise<ProcessIdentity> {
  return (await identifyProcess(pid)) ?? { pid, startTicks: -1, bootId: '' };
}
