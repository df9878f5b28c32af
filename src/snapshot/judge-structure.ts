import { AgentError } from '../base/agent-error.ts';
import type { KeyspaceProof } from '../mvcc/prove-keyspace.ts';

/** A walk that found nothing wrong, and thus knows everything. */
export type SoundKeyspace = KeyspaceProof & Required<Pick<KeyspaceProof, 'facts' | 'keyCount' | 'hashKv'>>;

/** Enough to see of what kind it is. */
const FINDINGS_SAID = 3;
/** They travel to peers and into the answer of a command. */
const FINDINGS_CARRIED = 20;

/**
 * What a walk through a file found, or why it could not even begin: a sound keyspace, or the refusal.
 *
 * @returns An `AgentError` `SNAPSHOT_DAMAGED` with the first findings and their number, in words and in `details`.
 */
export function judgeStructure(proof: KeyspaceProof | AgentError): SoundKeyspace | AgentError {
  if (proof instanceof AgentError) return proof;
  if (isSound(proof)) return proof;
  const { findingCount } = proof;
  if (findingCount === 0) return new AgentError('SNAPSHOT_DAMAGED', 'what etcd wrote into it cannot be read');
  const findings = proof.findings.map(({ message }) => message);
  const said = findings.slice(0, FINDINGS_SAID);
  const more = findingCount > said.length ? [`and ${findingCount - said.length} more`] : [];
  const words = `${findingCount} finding${findingCount === 1 ? '' : 's'} in its structure`;
  return new AgentError('SNAPSHOT_DAMAGED', `${words}: ${[...said, ...more].join('; ')}`, {
    details: { findingCount, findings: findings.slice(0, FINDINGS_CARRIED) },
  });
}

/**
 * @param what - The file, for the error.
 * @throws {AgentError} as `judgeStructure` gives it back.
 */
export function requireSound(what: string, proof: KeyspaceProof | AgentError): SoundKeyspace {
  const judged = judgeStructure(proof);
  if (!(judged instanceof AgentError)) return judged;
  const { code, message, details } = judged;
  throw new AgentError(code, `${what}: ${message}`, { cause: judged, details });
}

function isSound(proof: KeyspaceProof): proof is SoundKeyspace {
  const { facts, findingCount, hashKv, keyCount } = proof;
  return findingCount === 0 && facts !== undefined && hashKv !== undefined && keyCount !== undefined;
}
