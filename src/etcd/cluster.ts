import { AgentError } from '../base/agent-error.ts';
import type { EtcdConnection } from './connection.ts';
import { ClusterService, type Member } from './generated/etcdserverpb/cluster.ts';
import { idToHex, unsignedIdOf } from './wire-numbers.ts';

export interface EtcdMember {
  readonly id: string;
  /** Empty for a member that was added and has not started yet. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface MemberList {
  readonly clusterId: string;
  readonly members: readonly EtcdMember[];
}

export interface ClusterCalls {
  /** The members as this member knows them. Asked without linearizability, so that it answers without a quorum. */
  members(signal: AbortSignal): Promise<MemberList>;
  /**
   * Adds a member that has yet to start. Goes through consensus.
   *
   * @returns Its ID, and all members with it.
   * @throws {AgentError} `ETCD_TIMEOUT` also when etcd finds its members not connected for long enough ("unhealthy cluster");
   *   `ETCD_REFUSED` for a second learner or a peer URL that is taken.
   */
  addMember(
    member: { readonly peerUrls: readonly string[]; readonly isLearner: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly members: readonly EtcdMember[] }>;
  /** Resolves also when there is no such member any more. @throws {AgentError} as `addMember`. */
  removeMember(id: string, signal: AbortSignal): Promise<void>;
  /**
   * Gives a learner its vote. Resolves also when it has one.
   *
   * @throws {AgentError} `ETCD_LEARNER_BEHIND` until it has caught up with the leader.
   */
  promoteMember(id: string, signal: AbortSignal): Promise<void>;
}

export function clusterCalls(connection: EtcdConnection): ClusterCalls {
  return {
    members: async (signal) => {
      const answer = await connection.unary(
        ClusterService.memberList,
        { linearizable: false },
        { signal, deadline: 'request', authenticate: 'when-asked' },
      );
      return { clusterId: idToHex(answer.header?.clusterId ?? 0n), members: answer.members.map(memberOf) };
    },
    addMember: async ({ peerUrls, isLearner }, signal) => {
      const request = { peerURLs: [...peerUrls], isLearner };
      const answer = await connection.unary(ClusterService.memberAdd, request, {
        signal,
        deadline: 'request',
      });
      return { id: idToHex(answer.member?.ID ?? 0n), members: answer.members.map(memberOf) };
    },
    removeMember: async (id, signal) => {
      await unless(/member not found|removed/, async () => {
        const request = { ID: unsignedIdOf(id) };
        await connection.unary(ClusterService.memberRemove, request, { signal, deadline: 'request' });
      });
    },
    promoteMember: async (id, signal) => {
      await unless(/can only promote a learner member$/, async () => {
        const request = { ID: unsignedIdOf(id) };
        await connection.unary(ClusterService.memberPromote, request, { signal, deadline: 'request' });
      });
    },
  };
}

/** The wish is fulfilled when etcd refuses it in these words. */
async function unless(words: RegExp, call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    const isFulfilled = error instanceof AgentError && words.test(error.message.replace(/ \([A-Z_]+\)$/, ''));
    if (!isFulfilled) throw error;
  }
}

function memberOf({ ID, name, peerURLs, clientURLs, isLearner }: Member): EtcdMember {
  return { id: idToHex(ID), name, peerUrls: peerURLs, clientUrls: clientURLs, isLearner };
}
