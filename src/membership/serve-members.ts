import { AgentError } from '../base/agent-error.ts';
import type { EtcdClient } from '../etcd/client.ts';
import { memberToTell } from '../etcd/member-to-tell.ts';
import type { MemberIdentity } from '../formats/generation.ts';
import { memberAddRequest, memberChangeRequest, type MemberFacts } from '../formats/membership.ts';
import { parseParams } from '../mesh/parse-params.ts';

type Answer = (peer: string, params: unknown, signal: AbortSignal) => Promise<unknown>;

interface ServedMember {
  readonly agent: string;
  readonly etcd: Pick<
    EtcdClient,
    'status' | 'members' | 'range' | 'addMember' | 'removeMember' | 'promoteMember'
  >;
  readonly identity: (signal: AbortSignal) => Promise<MemberIdentity | undefined>;
}

/** What peers may ask of this host's member when one of them is to become a member again. */
export function memberMethods(served: ServedMember): Readonly<Record<string, Answer>> {
  const { etcd } = served;
  return {
    'member.facts': async (_peer, _params, signal) => await factsOfMember(served, signal),
    'member.add': async (_peer, params, signal) => {
      const { clusterId, peerUrls, isLearner } = parseParams(memberAddRequest, params);
      await requireQuorum(served, clusterId, signal);
      const { id, members } = await etcd.addMember({ peerUrls, isLearner }, signal);
      return { memberId: id, members };
    },
    'member.remove': async (_peer, params, signal) => {
      const { clusterId, memberId } = parseParams(memberChangeRequest, params);
      const { etcd: own } = await requireQuorum(served, clusterId, signal);
      if (own.memberId === memberId)
        throw new AgentError(
          'MEMBER_ALIVE',
          `${memberId} is the member of ${served.agent}, and answers there`,
        );
      await etcd.removeMember(memberId, signal);
      return {};
    },
    'member.promote': async (_peer, params, signal) => {
      const { clusterId, memberId } = parseParams(memberChangeRequest, params);
      await requireQuorum(served, clusterId, signal);
      await etcd.promoteMember(memberId, signal);
      return {};
    },
  };
}

/** What this host's member says of itself, and whose data it is. What cannot be asked is left out. */
export async function factsOfMember(
  { agent, etcd, identity }: ServedMember,
  signal: AbortSignal,
): Promise<MemberFacts> {
  const own = await identity(signal);
  const said = await askMember(etcd, signal);
  return {
    agent,
    ...(own === undefined ? {} : { identity: own }),
    ...(said === undefined ? {} : { etcd: said }),
  };
}

async function askMember(etcd: ServedMember['etcd'], signal: AbortSignal): Promise<MemberFacts['etcd']> {
  try {
    const { clusterId, memberId, version, isLearner, leaderId } = await etcd.status(signal);
    const common = { clusterId, memberId, version, isLearner };
    // A learner gives its list to nobody, and answers no linearizable read.
    if (isLearner) return { ...common, hasQuorum: false, members: [] };
    const { members } = await etcd.members(signal);
    const hasQuorum = leaderId !== undefined && (await readsWithQuorum(etcd, signal));
    return { ...common, hasQuorum, members: members.map(memberToTell) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AgentError)) throw error;
    return undefined;
  }
}

/** A linearizable read needs a leader and a quorum. One that is refused for want of rights got that far too. */
async function readsWithQuorum(etcd: ServedMember['etcd'], signal: AbortSignal): Promise<boolean> {
  try {
    await etcd.range({ key: 'lifeboat', countOnly: true, serializable: false }, signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof AgentError && error.details['grpcStatus'] === 'PERMISSION_DENIED';
  }
}

async function requireQuorum(
  served: ServedMember,
  clusterId: string,
  signal: AbortSignal,
): Promise<{ readonly etcd: NonNullable<MemberFacts['etcd']> }> {
  const { etcd } = await factsOfMember(served, signal);
  if (etcd?.clusterId === clusterId && etcd.hasQuorum) return { etcd };
  const found =
    etcd === undefined
      ? 'does not answer'
      : `is in cluster ${etcd.clusterId}, quorum: ${String(etcd.hasQuorum)}`;
  throw new AgentError(
    'MEMBER_NO_QUORUM',
    `the member of ${served.agent} ${found}; cluster ${clusterId} is wanted`,
  );
}
