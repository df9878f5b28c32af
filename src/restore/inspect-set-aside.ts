import { join } from 'node:path';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { pathExists } from '../base/path-exists.ts';
import type { SetAsideFacts } from '../formats/host-facts.ts';
import type { Prover } from '../snapshot/prover.ts';
import { readLogIdentity } from '../wal/read-identity.ts';
import type { HostIdentity } from './inspect-host.ts';
import { setAsidePlaces } from './layout.ts';

interface Inspection {
  readonly host: Pick<HostIdentity, 'agent' | 'dataDir' | 'walDir'>;
  readonly prover: Pick<Prover, 'readFacts' | 'readMembership'>;
  readonly operation: string;
}

/** What an operation set aside on this host, by a few pages of its database and the head of its log. Proves nothing, changes nothing. */
export async function inspectSetAside(
  { host, prover, operation }: Inspection,
  signal: AbortSignal,
): Promise<SetAsideFacts> {
  const { member, wal } = setAsidePlaces(host, operation);
  const about = { agent: host.agent, path: member };
  for (const path of [member, wal]) {
    if (!(await pathExists(path))) return { ...about, problem: `${path} is not there` };
  }
  const database = join(member, 'snap', 'db');
  try {
    const { clusterId, memberId } = await readLogIdentity(wal, signal);
    const facts = await prover.readFacts(database, signal);
    const { revision, alarms, consistentIndex, storageVersion, clusterVersion } = facts;
    const { members } = await prover.readMembership(database, signal);
    return {
      ...about,
      data: {
        ...{ clusterId, memberId, revision, alarms: [...alarms] },
        members: members.map(({ peerUrls, clientUrls, ...named }) => ({
          ...named,
          peerUrls: [...peerUrls],
          clientUrls: [...clientUrls],
        })),
        ...(consistentIndex === undefined ? {} : { appliedIndex: consistentIndex }),
        ...(storageVersion === undefined ? {} : { storageVersion }),
        ...(clusterVersion === undefined ? {} : { clusterVersion }),
      },
    };
  } catch (error) {
    signal.throwIfAborted();
    const words = messageOf(error);
    const says = error instanceof AgentError && words.includes(member) ? words : `${member}: ${words}`;
    return { ...about, problem: says.slice(0, 8192) };
  }
}
