import { createHash } from 'node:crypto';
import type { PlanDecision } from '../formats/restore-plan.ts';

/** The IDs that a restore will give, so that the gate can compare instead of only wonder whether they are new. */
export interface ExpectedIdentity {
  readonly clusterId: string;
  /** Member ID by agent. */
  readonly memberIds: ReadonlyMap<string, string>;
}

/**
 * etcd derives a member's ID from its sorted peer URLs and the cluster token, and the cluster ID from the
 * sorted member IDs: the first eight bytes of a SHA-1 each (etcd-io/etcd: server/etcdserver/api/membership,
 * computeMemberId and genID). Tried on 3.4.23 and 3.6.14.
 */
export function expectedIdentity({
  clusterToken,
  hosts,
}: Pick<PlanDecision, 'clusterToken' | 'hosts'>): ExpectedIdentity {
  const ids = hosts.map(({ agent, peerUrls }) => ({
    agent,
    id: idOf([...peerUrls].sort().join('') + clusterToken),
  }));
  const sorted = ids.map(({ id }) => id).sort();
  return {
    clusterId: idOf(Buffer.from(sorted.join(''), 'hex')),
    memberIds: new Map(ids.map(({ agent, id }) => [agent, id])),
  };
}

function idOf(content: string | Buffer): string {
  return createHash('sha1').update(content).digest('hex').slice(0, 16);
}
