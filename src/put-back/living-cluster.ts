import type { EtcdClient } from '../etcd/client.ts';
import type { LivingCluster } from './lineage.ts';

/**
 * The cluster that is to be written to, as the member that is asked knows it.
 *
 * @returns Also whether its NOSPACE alarm refuses every write.
 * @throws {AgentError} As the calls of `EtcdClient`.
 */
export async function readCluster(
  etcd: Pick<EtcdClient, 'status' | 'members'>,
  signal: AbortSignal,
): Promise<LivingCluster & { readonly isFull: boolean }> {
  const { clusterId, revision, errors } = await etcd.status(signal);
  const { members } = await etcd.members(signal);
  return {
    clusterId,
    revision,
    memberIds: members.map(({ id }) => id),
    isFull: errors.some((words) => words.includes('NOSPACE')),
  };
}
