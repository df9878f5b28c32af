import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { KeyValueHash } from '../etcd/maintenance.ts';
import { memberToTell } from '../etcd/member-to-tell.ts';
import type { HostFacts } from '../formats/host-facts.ts';

/** Every key: from the first possible one on (a range end of one zero byte means no end). */
export const ALL_KEYS = { key: Buffer.of(0), rangeEnd: Buffer.of(0) } as const;

/** etcd decides it after consensus, so a refused read was still a linearizable one. */
const PERMISSION_DENIED = 'PERMISSION_DENIED';

/**
 * True when a linearizable read came back. Needs a leader and a quorum.
 *
 * @throws {AgentError} as the read does: without quorum `ETCD_TIMEOUT`, or `ETCD_REFUSED` for "no leader".
 */
export async function readsLinearizably(etcd: EtcdClient, signal: AbortSignal): Promise<true> {
  try {
    await etcd.range({ key: 'lifeboat', countOnly: true, serializable: false }, signal);
  } catch (error) {
    if (error instanceof AgentError && error.details['grpcStatus'] === PERMISSION_DENIED) return true;
    throw error;
  }
  return true;
}

/** Live keys at `revision`, or `undefined` where that revision was compacted or may not be read. */
export async function countKeys(
  etcd: EtcdClient,
  revision: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return (await etcd.range({ ...ALL_KEYS, revision, countOnly: true, serializable: true }, signal)).count;
  } catch (error) {
    if (error instanceof AgentError && ['ETCD_COMPACTED', 'ETCD_AUTH_FAILED'].includes(error.code))
      return undefined;
    throw error;
  }
}

/**
 * HashKV of the member at `revision`. When all history up to the newest revision was compacted, HashKV refuses that revision by its number and gives it
 * where none is named (etcd-io/etcd: mvcc/kvstore.go, HashByRev; tried on 3.4.23).
 */
export async function hashAt(etcd: EtcdClient, revision: number, signal: AbortSignal): Promise<KeyValueHash> {
  try {
    return await etcd.hashKv(revision, signal);
  } catch (error) {
    if (asAgentError(error).code !== 'ETCD_COMPACTED') throw error;
    const newest = await etcd.hashKv(0, signal);
    if ((await etcd.status(signal)).revision === revision) return newest;
    throw error;
  }
}

/**
 * The member list as the local member knows it, in the shape that travels to peers and to disk. Needs no quorum. A
 * learner gives its list to nobody (etcd-io/etcd: api/v3rpc/interceptor.go, isRPCSupportedForLearner): it is empty then.
 */
export async function readMembers(
  etcd: EtcdClient,
  signal: AbortSignal,
): Promise<{ clusterId: string; members: NonNullable<HostFacts['etcd']>['members'] }> {
  try {
    const { clusterId, members } = await etcd.members(signal);
    return { clusterId, members: members.map(memberToTell) };
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'ETCD_LEARNER') throw error;
    return { clusterId: (await etcd.status(signal)).clusterId, members: [] };
  }
}
