import { AgentError } from '../base/agent-error.ts';
import type { KeyspaceProof } from '../mvcc/prove-keyspace.ts';
import type { FileProof } from '../snapshot/prover.ts';
import { findSnapshot, type FoundSnapshot } from './find-snapshot.ts';
import type { Session } from './session.ts';

/** What a proof of a file found. What damage hides is absent. */
export interface VerifiedFile {
  readonly path: string;
  readonly ok: boolean;
  readonly failure?: { readonly code: string; readonly message: string };
  readonly sha256: string;
  readonly sizeBytes: number;
  /** `absent`: its bytes can be compared with nothing, and only its structure was proved. */
  readonly trailer: 'fits' | 'differs' | 'absent';
  readonly revision?: number;
  readonly compactRevision?: number;
  readonly keyCount?: number;
  readonly hashKv?: KeyspaceProof['hashKv'];
  /** The first thousand of `findingCount`. */
  readonly findings: readonly string[];
  readonly findingCount: number;
}

/** @throws {AgentError} as `findSnapshot` */
export async function findFiles(session: Session, paths: readonly string[]): Promise<FoundSnapshot[]> {
  const files: FoundSnapshot[] = [];
  for (const path of paths) files.push(await findSnapshot(session, path));
  return files;
}

/**
 * Proves files in this process, one after the other. Nothing is written anywhere, also not into a manifest that lies beside one: what that says
 * is compared.
 *
 * @throws {AgentError} `FILE_UNREADABLE`, `THREAD_DIED`: no verdict on the file.
 */
export async function verifyFiles(
  session: Session,
  files: readonly FoundSnapshot[],
): Promise<VerifiedFile[]> {
  const verified: VerifiedFile[] = [];
  for (const file of files) verified.push(await verifyOne(session, file));
  return verified;
}

async function verifyOne(session: Session, { path, name, manifest }: FoundSnapshot): Promise<VerifiedFile> {
  // Loaded only here: most commands need none of it.
  const [{ openProver }, { judgeFile }, { judgeStored }] = await Promise.all([
    import('../snapshot/prover.ts'),
    import('../snapshot/judge-file.ts'),
    import('../snapshot/verify-file.ts'),
  ]);
  const { threadProgram, stdoutGone } = session.surroundings;
  const display = session.openProgress();
  try {
    const proof = await openProver(threadProgram).proveFile(path, {
      signal: stdoutGone,
      onBytes: (bytes) => display?.show({ phase: `verifying ${name}`, bytes }),
    });
    const verdict = manifest === undefined ? judgeFile(proof) : judgeStored(proof, manifest);
    return describe(path, proof, 'refusal' in verdict ? verdict.refusal : undefined);
  } finally {
    display?.clear();
  }
}

function describe(
  path: string,
  { bytes, keyspace }: FileProof,
  refusal: AgentError | undefined,
): VerifiedFile {
  const { sha256, sizeBytes, hasTrailerSize, trailerFits } = bytes;
  const file = {
    path,
    ok: refusal === undefined,
    ...(refusal === undefined
      ? {}
      : { failure: { code: refusal.code, message: withoutPath(path, refusal.message) } }),
    sha256,
    sizeBytes,
    trailer: hasTrailerSize ? (trailerFits ? 'fits' : 'differs') : 'absent',
  } as const;
  if (keyspace instanceof AgentError) {
    return { ...file, findings: [withoutPath(path, keyspace.message)], findingCount: 1 };
  }
  const { facts, keyCount, hashKv, findings, findingCount } = keyspace;
  return {
    ...file,
    ...(facts === undefined ? {} : { revision: facts.revision, compactRevision: facts.compactRevision }),
    ...(keyCount === undefined ? {} : { keyCount }),
    ...(hashKv === undefined ? {} : { hashKv }),
    findings: findings.map(({ message }) => message),
    findingCount,
  };
}

/** It stands in front already. */
function withoutPath(path: string, message: string): string {
  return message.replace(`${path}: `, '');
}
