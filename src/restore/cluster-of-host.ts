import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { readLogIdentity } from '../wal/read-identity.ts';
import type { LogIdentity } from '../wal/record-data.ts';

interface HostWithoutAnswer {
  readonly dataDir: string;
  readonly walDir?: string;
  /** The cluster that the agent last saw its member in. */
  readonly lastSeen: string | undefined;
}

export interface ClusterOfHost {
  readonly clusterId?: string;
  /** Whom of that cluster its data is of, where it has any. */
  readonly memberId?: string;
  /** What its operator must know of it before a restore. */
  readonly remark?: string;
}

/**
 * The cluster that a host belongs to whose member does not answer: that of its data, as its log says it. Where there is
 * none that can be read, a host that lost its data, say, it is the one that the agent saw its member in.
 */
export async function clusterOfHost(host: HostWithoutAnswer, signal: AbortSignal): Promise<ClusterOfHost> {
  const { dataDir, walDir, lastSeen } = host;
  const directory = walDir ?? join(dataDir, 'member', 'wal');
  let identity: LogIdentity;
  try {
    identity = await readLogIdentity(directory, signal);
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'CANCELLED') throw error;
    return lastSeen === undefined ? {} : { clusterId: lastSeen };
  }
  const { clusterId, memberId } = identity;
  if (lastSeen === undefined || lastSeen === clusterId) return { clusterId, memberId };
  return {
    clusterId,
    memberId,
    remark: `its data is of cluster ${clusterId}, by the WAL in ${directory}, and its agent last saw it in cluster ${lastSeen}`,
  };
}
