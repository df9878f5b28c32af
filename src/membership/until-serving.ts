import { AgentError, messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { MemberIdentity } from '../formats/generation.ts';

interface Waiting {
  readonly etcd: Pick<EtcdClient, 'status' | 'range'>;
  readonly clock: Clock;
  readonly expected: MemberIdentity;
  /** It must also have its vote, and answer a read that needs quorum. */
  readonly asVoter?: boolean;
  readonly say: (words: string) => void;
}

const AGAIN_MS = 250;
/** Without any change of what the member says. While its log grows, it is waited for. */
const STALL_MS = 180_000;

/**
 * Resolves when the member of this host serves as the one that is expected, and hears a leader.
 *
 * @throws {AgentError} `JOIN_FAILED` at once when another member answers, or after three minutes in which nothing changed.
 */
export async function untilServing(waiting: Waiting, signal: AbortSignal): Promise<void> {
  const { clock, say } = waiting;
  let last = '';
  let changedAtMs = clock.now();
  for (;;) {
    const missing = await whatIsMissing(waiting, signal);
    if (missing === undefined) return;
    if (missing !== last) {
      last = missing;
      changedAtMs = clock.now();
      say(missing);
    }
    if (clock.now() - changedAtMs >= STALL_MS)
      throw new AgentError('JOIN_FAILED', `nothing has changed for ${STALL_MS / 1000} s: ${missing}`);
    await clock.sleep(AGAIN_MS, signal);
  }
}

async function whatIsMissing(
  { etcd, expected, asVoter }: Waiting,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { clusterId, memberId, leaderId, isLearner, raftIndex } = await etcd.status(signal);
    if (clusterId !== expected.clusterId || memberId !== expected.memberId) {
      const found = `member ${memberId} of cluster ${clusterId} answers on this host`;
      throw new AgentError(
        'JOIN_FAILED',
        `${found}, and ${expected.memberId} of ${expected.clusterId} is expected`,
      );
    }
    if (leaderId === undefined) return `the member knows no leader yet, log index ${raftIndex}`;
    if (asVoter !== true) return undefined;
    if (isLearner) return `the member is a learner still, log index ${raftIndex}`;
    await etcd.range({ key: 'lifeboat', countOnly: true, serializable: false }, signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AgentError) || error.code === 'JOIN_FAILED') throw error;
    if (error.details['grpcStatus'] === 'PERMISSION_DENIED') return undefined;
    return `the member does not answer yet: ${messageOf(error)}`;
  }
}
