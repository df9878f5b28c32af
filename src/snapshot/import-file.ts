import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { copyFileDurably } from '../base/copy-file.ts';
import { requireFreeSpace } from '../base/free-space.ts';
import type { OnBytes } from '../base/hash-file.ts';
import { MANIFEST_VERSION, type Grade, type SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { Storage } from '../storage/storage.ts';
import { readDatabaseFacts } from './database-facts.ts';
import type { ProveDatabase } from './prove-database.ts';
import { makeSnapshotId } from './snapshot-id.ts';
import { judgeTrailer, type TrailerVerdict } from './trailer-hash.ts';

export interface ImportContext {
  readonly storage: Storage;
  readonly agent: string;
  readonly clock: Clock;
  readonly proveDatabase: ProveDatabase;
}

export interface ImportRequest {
  readonly path: string;
  /** Why it was brought, for the manifest. */
  readonly reason?: string;
  readonly signal: AbortSignal;
  readonly onBytes?: OnBytes;
}

/** How a file without trailer, or with one that is not etcd's, leaves bbolt's page grid. */
const PAGE_DIVISOR = 512;

/**
 * Copies a file that a person brought into the store and proves the copy. It counts as taken when the file was last
 * modified: the file does not say, and an old state must not look new.
 *
 * @throws {AgentError} `FILE_UNREADABLE`, `NO_SPACE`, `SNAPSHOT_TRUNCATED`, `SNAPSHOT_HASH_MISMATCH`,
 *   `SNAPSHOT_NOT_A_DATABASE`, `SNAPSHOT_DAMAGED`, or what the proof of a file without trailer threw. Nothing is kept then.
 */
export async function importFile(context: ImportContext, request: ImportRequest): Promise<SnapshotManifest> {
  const { sizeBytes, modifiedMs } = await lookAt(request.path);
  await requireFreeSpace(context.storage.directory, sizeBytes);
  const draft = await context.storage.begin();
  try {
    const { signal } = request;
    const copy = await copyFileDurably(request.path, draft.path, { signal });
    const verdict = await judgeTrailer(draft.path, signal, request.onBytes);
    refuseBroken(request.path, verdict);
    const facts = readDatabaseFacts(draft.path);
    const proof = await prove(context, draft.path, verdict, signal);
    const takenAtMs = Math.min(modifiedMs, context.clock.now());
    const { agent } = context;
    const random = randomBytes(3);
    const manifest: SnapshotManifest = {
      version: MANIFEST_VERSION,
      id: makeSnapshotId({ atMs: takenAtMs, agent, revision: facts.revision, random }),
      kind: 'imported',
      hasTrailer: verdict.hasTrailerSize,
      grade: proof.grade,
      proofs: [{ ...proof, at: new Date(context.clock.now()).toISOString() }],
      sha256: verdict.sha256,
      sizeBytes: verdict.sizeBytes,
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

function refuseBroken(path: string, found: TrailerVerdict): void {
  if (found.hasTrailerSize && !found.trailerFits) {
    throw new AgentError(
      'SNAPSHOT_HASH_MISMATCH',
      `${path}: its bytes hash to ${found.bodySha256}, its trailer says ${found.trailer}`,
    );
  }
  if (found.hasTrailerSize || found.sizeBytes % PAGE_DIVISOR === 0) return;
  throw new AgentError(
    'SNAPSHOT_TRUNCATED',
    `${path} has ${found.sizeBytes} bytes: neither whole pages, nor whole pages and a trailer of 32 bytes`,
  );
}

async function prove(
  context: ImportContext,
  path: string,
  verdict: TrailerVerdict,
  signal: AbortSignal,
): Promise<{ grade: Grade; by: string }> {
  if (verdict.hasTrailerSize) return { grade: 'hashed', by: 'trailer compared at import' };
  return { grade: 'raw', by: (await context.proveDatabase(path, signal)).by };
}
