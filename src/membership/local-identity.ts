import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import type { MemberIdentity } from '../formats/generation.ts';
import { readLogIdentity } from '../wal/read-identity.ts';

/** Where etcd of this host keeps its data. */
export interface DataPlaces {
  readonly dataDir: string;
  readonly walDir?: string;
}

/** Who the data on this host is of, by its log; `undefined` where there is none that can be read. @throws {AgentError} `CANCELLED`. */
export async function localIdentity(
  { dataDir, walDir }: DataPlaces,
  signal: AbortSignal,
): Promise<MemberIdentity | undefined> {
  try {
    const { clusterId, memberId } = await readLogIdentity(walDir ?? join(dataDir, 'member', 'wal'), signal);
    return { clusterId, memberId };
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'CANCELLED') throw error;
    return undefined;
  }
}
