import type { EtcdConnection } from './connection.ts';
import { ClusterService } from './generated/etcdserverpb/cluster.ts';
import { idToHex } from './wire-numbers.ts';

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
}

export function clusterCalls(connection: EtcdConnection): ClusterCalls {
  return {
    members: async (signal) => {
      const answer = await connection.unary(
        ClusterService.memberList,
        { linearizable: false },
        { signal, deadline: 'request', authenticate: 'when-asked' },
      );
      return {
        clusterId: idToHex(answer.header?.clusterId ?? 0n),
        members: answer.members.map((member) => ({
          id: idToHex(member.ID),
          name: member.name,
          peerUrls: member.peerURLs,
          clientUrls: member.clientURLs,
          isLearner: member.isLearner,
        })),
      };
    },
  };
}
