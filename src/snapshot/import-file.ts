import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { copyFileDurably } from '../base/copy-file.ts';
import { requireFreeSpace } from '../base/free-space.ts';
import type { OnBytes } from '../base/hash-file.ts';
import { MANIFEST_VERSION, type SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { Storage } from '../storage/storage.ts';
import { provedFacts, type ProvedFacts } from './database-facts.ts';
import { judgeFile } from './judge-file.ts';
import type { Prover } from './prover.ts';
import { makeSnapshotId } from './snapshot-id.ts';
import type { TrailerVerdict } from './trailer-hash.ts';

export interface ImportContext {
  readonly storage: Storage;
  readonly agent: string;
  readonly clock: Clock;
  readonly prover: Prover;
}

export interface ImportRequest {
  readonly path: string;
  /** Why it was brought, for the manifest. */
  readonly reason?: string;
  readonly signal: AbortSignal;
  readonly onBytes?: OnBytes;
}

const WITH_TRAILER = { grade: 'hashed', by: 'trailer compared and structure walked at import' } as const;
const WITHOUT_TRAILER = { grade: 'raw', by: 'structure walked at import' } as const;

/**
 * Copies a file that a person brought into the store and proves the copy. It counts as taken when the file was last
 * modified: the file does not say, and an old state must not look new.
 *
 * @throws {AgentError} `FILE_UNREADABLE`, `NO_SPACE`, and as `proveFile` and `judgeFile`. Nothing is kept then.
 */
export async function importFile(context: ImportContext, request: ImportRequest): Promise<SnapshotManifest> {
  const { sizeBytes, modifiedMs } = await lookAt(request.path);
  await requireFreeSpace(context.storage.directory, sizeBytes);
  const draft = await context.storage.begin();
  try {
    const { signal } = request;
    const copy = await copyFileDurably(request.path, draft.path, { signal });
    const { bytes, facts } = await prove(context.prover, draft.path, request);
    const proof = bytes.hasTrailerSize ? WITH_TRAILER : WITHOUT_TRAILER;
    const takenAtMs = Math.min(modifiedMs, context.clock.now());
    const { agent } = context;
    const random = randomBytes(3);
    const manifest: SnapshotManifest = {
      version: MANIFEST_VERSION,
      id: makeSnapshotId({ atMs: takenAtMs, agent, revision: facts.revision, random }),
      kind: 'imported',
      hasTrailer: bytes.hasTrailerSize,
      grade: proof.grade,
      proofs: [{ ...proof, at: new Date(context.clock.now()).toISOString() }],
      sha256: bytes.sha256,
      sizeBytes: bytes.sizeBytes,
      ...facts,
      takenAt: new Date(takenAtMs).toISOString(),
      agent,
      method: 'import',
      reflinked: copy.method === 'reflink',
      trigger: 'import',
      ...(request.reason === undefined ? {} : { note: request.reason }),
    };
    await draft.publish(manifest);
    return manifest;
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

async function lookAt(path: string): Promise<{ sizeBytes: number; modifiedMs: number }> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { sizeBytes: size, modifiedMs: mtimeMs };
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `${path} could not be read: ${messageOf(cause)}`, { cause });
  }
}

async function prove(
  prover: Prover,
  copyPath: string,
  { path, signal, onBytes }: ImportRequest,
): Promise<{ readonly bytes: TrailerVerdict; readonly facts: ProvedFacts }> {
  const proof = await prover.proveFile(copyPath, { signal, ...(onBytes === undefined ? {} : { onBytes }) });
  const judgement = judgeFile(proof);
  if ('keyspace' in judgement) return { bytes: proof.bytes, facts: provedFacts(judgement.keyspace) };
  const { code, message, details } = judgement.refusal;
  throw new AgentError(code, `${path}: ${message}`, { cause: judgement.refusal, details });
}
