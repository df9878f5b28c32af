import { stat } from 'node:fs/promises';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';
import type { ThreadOptions } from '../base/run-in-thread.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { KeyspaceProof } from '../mvcc/prove-keyspace.ts';
import { provedFacts, type ProvedFacts } from './database-facts.ts';
import { judgeStructure } from './judge-structure.ts';
import { refusalOf, type FileProof, type Prover } from './prover.ts';
import type { TrailerVerdict } from './trailer-hash.ts';

/** What a full reading of the file found: what the file says, or why it is not what the manifest says. */
export type FileVerdict = { readonly facts: ProvedFacts } | { readonly refusal: AgentError };

/**
 * Compares a stored file with its manifest: size, SHA-256, trailer where it has one, structure, and what etcd wrote into it.
 * Rejects only when the file cannot be read to its end (as `Prover`): that is no verdict on it.
 */
export async function verifyFile(
  prover: Prover,
  path: string,
  manifest: SnapshotManifest,
  options: ThreadOptions,
): Promise<FileVerdict> {
  const sizeBytes = await sizeOf(path);
  if (sizeBytes === undefined) return wrongBytes(['the file is gone']);
  if (sizeBytes !== manifest.sizeBytes) {
    return wrongBytes([`the file has ${sizeBytes} bytes, the manifest says ${manifest.sizeBytes}`]);
  }
  return judgeStored(await prover.proveFile(path, options), manifest);
}

/** What two readings of a file found, held against its manifest. */
export function judgeStored({ bytes, keyspace }: FileProof, manifest: SnapshotManifest): FileVerdict {
  const verdict = judgeKeyspace(keyspace, manifest);
  const problems = bytesProblems(bytes, manifest);
  if (problems.length === 0) return verdict;
  return wrongBytes(problems, 'refusal' in verdict ? verdict.refusal : undefined);
}

/**
 * The same for a file whose size and SHA-256 were compared on the way: its structure, and what etcd wrote into it.
 * Rejects as `verifyFile`.
 */
export async function verifyKeyspace(
  prover: Prover,
  path: string,
  manifest: SnapshotManifest,
  options: ThreadOptions,
): Promise<FileVerdict> {
  return judgeKeyspace(await prover.proveKeyspace(path, options).catch(refusalOf), manifest);
}

function bytesProblems(found: TrailerVerdict, manifest: SnapshotManifest): string[] {
  const problems: string[] = [];
  if (found.sha256 !== manifest.sha256)
    problems.push(`SHA-256 is ${found.sha256}, the manifest says ${manifest.sha256}`);
  if (manifest.hasTrailer && !found.trailerFits)
    problems.push(`the trailer is ${found.trailer}, the bytes before it hash to ${found.bodySha256}`);
  return problems;
}

/** What is wrong with the bytes comes first; where the damage lies is told beside it. */
function wrongBytes(problems: readonly string[], structure?: AgentError): FileVerdict {
  const all = structure === undefined ? problems : [...problems, structure.message];
  const details = structure?.details ?? {};
  return { refusal: new AgentError('SNAPSHOT_HASH_MISMATCH', all.join('; '), { details }) };
}

function judgeKeyspace(proof: KeyspaceProof | AgentError, manifest: SnapshotManifest): FileVerdict {
  const keyspace = judgeStructure(proof);
  if (keyspace instanceof AgentError) return { refusal: keyspace };
  const facts = provedFacts(keyspace);
  const problems = differences(facts, manifest);
  if (problems.length === 0) return { facts };
  return { refusal: new AgentError('SNAPSHOT_DAMAGED', problems.join('; ')) };
}

/** What a manifest does not say is not compared: those of earlier releases say less. */
function differences(found: ProvedFacts, manifest: SnapshotManifest): string[] {
  const names = ['revision', 'compactRevision', 'consistentIndex', 'keyCount'] as const;
  const problems = names
    .filter((name) => manifest[name] !== undefined && found[name] !== manifest[name])
    .map((name) => `${name} is ${found[name] ?? 'not known'}, the manifest says ${manifest[name] ?? ''}`);
  const [ours, theirs] = [found.hashKv, manifest.hashKv];
  if (theirs !== undefined && ours.hash !== theirs.hash)
    problems.push(`HashKV is ${ours.hash}, the manifest says ${theirs.hash}`);
  return problems;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
