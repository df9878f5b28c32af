import type { Clock } from '../base/clock.ts';
import type { EtcdClient } from '../etcd/client.ts';
import { probeUrls } from './plan-operation.ts';

interface Turn {
  readonly etcd: Pick<EtcdClient, 'status'>;
  /** Of the other participants: their etcds stop at the same time. */
  readonly otherPeerUrls: readonly string[];
  readonly clock: Clock;
}

/** A member that does not say at once who leads is not waited for. */
const STATUS_WITHIN_MS = 500;
/** Less than what the wait saves. */
const LONGEST_WAIT_MS = 3000;
const LOOK_AGAIN_MS = 50;

/**
 * Resolves when the local etcd may stop: at once, unless it leads; then when no other member is there, and after 3 s anyway.
 *
 * A leader that is asked to stop hands over first, and waits for the successor for as long as for a request (5 s and two election
 * timeouts). When all members stop in one moment the successor is gone too, and the whole wait is downtime. A leader that sees no
 * peer stops at once (etcd-io/etcd: server/etcdserver/server.go, TryTransferLeadershipOnShutdown).
 */
export async function waitForTurnToStop(
  { etcd, otherPeerUrls, clock }: Turn,
  signal: AbortSignal,
): Promise<void> {
  if (otherPeerUrls.length === 0 || !(await leads(etcd, signal))) return;
  const deadlineMs = clock.now() + LONGEST_WAIT_MS;
  while (clock.now() < deadlineMs) {
    // A signal of its own for each look: sockets stay on the list of the one they were given.
    const open = await probeUrls(otherPeerUrls, AbortSignal.any([signal]));
    if (open.length === 0) return;
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

async function leads(etcd: Turn['etcd'], signal: AbortSignal): Promise<boolean> {
  try {
    const status = await etcd.status(AbortSignal.any([signal, AbortSignal.timeout(STATUS_WITHIN_MS)]));
    return status.leaderId === status.memberId;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
