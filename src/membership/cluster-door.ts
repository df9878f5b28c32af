import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { memberAddResponse, memberFacts } from '../formats/membership.ts';
import type { MemberFacts } from '../formats/membership.ts';
import type { CallPeer } from './lineage-gossip.ts';

/** The cluster that is joined, asked through the agents whose members are in it. */
export interface ClusterDoor {
  members(signal: AbortSignal): Promise<Members>;
  /** Tried once: whether it was added must be looked up before the next try. */
  add(
    member: { readonly peerUrls: readonly string[]; readonly isLearner: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly memberId: string; readonly members: Members }>;
  remove(memberId: string, signal: AbortSignal): Promise<void>;
  promote(memberId: string, signal: AbortSignal): Promise<void>;
}

export type Members = NonNullable<MemberFacts['etcd']>['members'];

interface DoorOptions {
  readonly clusterId: string;
  readonly through: readonly string[];
  readonly call: CallPeer;
  readonly clock: Clock;
}

const CALL_TIMEOUT_MS = 20_000;
const AGAIN_MS = 1000;
/** etcd refuses changes until its members have been connected for five seconds (etcd: server/etcdserver/server.go, HealthInterval). */
const SETTLE_MS = 30_000;
const WORTH_ANOTHER: ReadonlySet<string> = new Set([
  'ETCD_TIMEOUT',
  'ETCD_UNREACHABLE',
  'MEMBER_NO_QUORUM',
  // Links come up a moment after the agent.
  'PEER_UNREACHABLE',
  'PEER_TIMEOUT',
]);

/** @throws {AgentError} from each call what the last agent that was asked said: `MEMBER_NO_QUORUM`, `PEER_UNREACHABLE`, `ETCD_REFUSED`, … */
export function openClusterDoor({ clusterId, through, call, clock }: DoorOptions): ClusterDoor {
  const askAny = async <T>(one: (agent: string) => Promise<T>, signal: AbortSignal): Promise<T> => {
    let last = new AgentError('MEMBER_NO_QUORUM', `no agent is known that serves cluster ${clusterId}`);
    for (const agent of through) {
      try {
        return await one(agent);
      } catch (error) {
        signal.throwIfAborted();
        last = asAgentError(error);
        if (!isElsewhereWorth(last)) throw last;
      }
    }
    throw last;
  };
  const ask = async <T>(one: (agent: string) => Promise<T>, signal: AbortSignal): Promise<T> =>
    await settling(() => askAny(one, signal), clock, signal);
  const options = (signal: AbortSignal) => ({ timeoutMs: CALL_TIMEOUT_MS, signal });
  return {
    members: async (signal) =>
      await ask(async (agent) => {
        const { etcd } = memberFacts.parse(await call(agent, 'member.facts', {}, options(signal)));
        if (etcd?.clusterId === clusterId && etcd.hasQuorum) return etcd.members;
        throw new AgentError(
          'MEMBER_NO_QUORUM',
          `${agent} does not serve cluster ${clusterId} with quorum now`,
        );
      }, signal),
    add: async (member, signal) =>
      await askAny(async (agent) => {
        const params = { clusterId, ...member };
        return memberAddResponse.parse(await call(agent, 'member.add', params, options(signal)));
      }, signal),
    remove: async (memberId, signal) => {
      await ask((agent) => call(agent, 'member.remove', { clusterId, memberId }, options(signal)), signal);
    },
    promote: async (memberId, signal) => {
      await askAny(
        (agent) => call(agent, 'member.promote', { clusterId, memberId }, options(signal)),
        signal,
      );
    },
  };
}

/**
 * Asks again while the cluster or the links settle.
 *
 * @throws {AgentError} what the last try threw, after half a minute of such failures, or at once any other.
 */
export async function settling<T>(ask: () => Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  const deadline = clock.now() + SETTLE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      if (clock.now() >= deadline || !WORTH_ANOTHER.has(asAgentError(error).code)) throw error;
      await clock.sleep(AGAIN_MS, signal);
    }
  }
}

function isElsewhereWorth({ code }: AgentError): boolean {
  return WORTH_ANOTHER.has(code) || code.startsWith('PEER_');
}
