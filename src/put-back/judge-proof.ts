import { AgentError } from '../base/agent-error.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { judgeFile } from '../snapshot/judge-file.ts';
import type { FileProof } from '../snapshot/prover.ts';

/** What is said of a stored snapshot beside its file. */
interface Described {
  readonly manifest?: Pick<SnapshotManifest, 'grade' | 'sha256'>;
  /** Why it cannot be read. */
  readonly manifestProblem?: string;
}

/**
 * What speaks against taking values from a snapshot, in words; nothing against a sound one.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED` or `SNAPSHOT_NOT_A_DATABASE` when it cannot be read as a database at all.
 */
export function problemsOf(proof: FileProof, { manifest, manifestProblem }: Described): string[] {
  if (proof.keyspace instanceof AgentError) throw proof.keyspace;
  const judged = judgeFile(proof);
  const problems = 'refusal' in judged ? [judged.refusal.message] : [];
  if (manifestProblem !== undefined) problems.push(manifestProblem);
  if (manifest === undefined) return problems;
  const { sha256 } = proof.bytes;
  if (sha256 !== manifest.sha256) {
    problems.push(`its SHA-256 is ${sha256}, the manifest says ${manifest.sha256}`);
  }
  if (manifest.grade === 'failed') problems.push('a proof of it failed before');
  return problems;
}
