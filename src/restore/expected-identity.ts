import { createHash } from 'node:crypto';
import type { OperationDecision, PlanDecision } from '../formats/restore-plan.ts';

/** The IDs that an operation will give, so that the gate can compare instead of only wonder whether they are new. */
export interface ExpectedIdentity {
  readonly clusterId: string;
  /** Member ID by agent. */
  readonly memberIds: ReadonlyMap<string, string>;
}

/** Of a restore, as etcd will derive them; of an undo, as the logs of the set-aside data say them. */
export function expectedIdentity(decided: Founded | OperationDecision): ExpectedIdentity {
  if (!('undoes' in decided)) return foundedIdentity(decided);
  const swapped = decided.hosts.flatMap((host) =>
    host.action === 'swap' ? [[host.agent, host.memberId] as const] : [],
  );
  return { clusterId: decided.returnsTo.clusterId, memberIds: new Map(swapped) };
}

type Founded = Pick<PlanDecision, 'clusterToken' | 'hosts'>;

/**
 * etcd derives a member's ID from its sorted peer URLs and the cluster token, and the cluster ID from the
 * sorted member IDs: the first eight bytes of a SHA-1 each (etcd-io/etcd: server/etcdserver/api/membership,
 * computeMemberId and genID). Tried on 3.4.23 and 3.6.14.
 */
function foundedIdentity({ clusterToken, hosts }: Founded): ExpectedIdentity {
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
