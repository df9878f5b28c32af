import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AgentError } from '../base/agent-error.ts';
import { openPageFile } from '../bbolt/page-file.ts';
import { problemsOf } from '../put-back/judge-proof.ts';
import { keySourceOf, type KeySource } from '../put-back/key-source.ts';
import type { SnapshotOrigin } from '../put-back/lineage.ts';
import { originOfSnapshot } from '../put-back/origin-of-snapshot.ts';
import { openProver, type FileProof } from '../snapshot/prover.ts';
import { findSnapshot } from './find-snapshot.ts';
import type { Session } from './session.ts';

/** A snapshot that was proved, open until disposed of. */
export interface PutBackSnapshot extends Disposable {
  /** How to call it. */
  readonly name: string;
  /** Of the file. */
  readonly sha256: string;
  readonly origin: SnapshotOrigin;
  readonly source: KeySource;
  /** What speaks against it, and was accepted. */
  readonly problems: readonly string[];
}

export interface SnapshotWish {
  readonly which: string;
  readonly revision?: number;
  readonly scratchDirectory: string;
  readonly allowDamaged: boolean;
}

/**
 * Finds the snapshot and reads all of it before it is believed: its structure, its SHA-256 and its trailer.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; what finding and reading it throws.
 */
export async function openPutBackSnapshot(
  session: Session,
  { which, revision, scratchDirectory, allowDamaged }: SnapshotWish,
  signal: AbortSignal,
): Promise<PutBackSnapshot> {
  const { path, name, ...described } = await findSnapshot(session, which);
  const requireUnchanged = unchangedFile(path);
  const proof = await prove(session, path, signal);
  const problems = problemsOf(proof, described);
  if (problems.length > 0 && !allowDamaged) {
    throw new AgentError(
      'SNAPSHOT_DAMAGED',
      `${name}: ${problems.join('; ')}. What can be read of it is put back with --allow-damaged`,
      { details: { problems } },
    );
  }
  const file = openPageFile(path);
  try {
    const source = keySourceOf(file, {
      scratchDirectory,
      ...(revision === undefined ? {} : { revision }),
    });
    return {
      name,
      sha256: proof.bytes.sha256,
      problems,
      origin: originOfSnapshot(file, described.manifest?.clusterId),
      source: {
        keys: source.keys,
        read: (place) => {
          const found = source.read(place);
          requireUnchanged();
          return found;
        },
      },
      [Symbol.dispose]: () => {
        file.close();
      },
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function prove(session: Session, path: string, signal: AbortSignal): Promise<FileProof> {
  const display = session.openProgress();
  const totalBytes = (await stat(path)).size;
  display?.show({ phase: 'proving', bytes: 0, totalBytes });
  try {
    return await openProver(session.surroundings.threadProgram).proveFile(path, {
      signal,
      onBytes: (bytes) => display?.show({ phase: 'proving', bytes, totalBytes }),
    });
  } finally {
    display?.clear();
  }
}

/**
 * The database of a running member is no snapshot: it changes with the first key that is put back from it. A snapshot that retention
 * removes meanwhile stays open to its end.
 *
 * @returns What throws `COPY_TORN` once the file is not what it was.
 */
function unchangedFile(path: string): () => void {
  const before = stampOf(path);
  return () => {
    const now = stampOf(path);
    if (now === undefined || now === before) return;
    throw new AgentError('COPY_TORN', `${path} changed while it was read: it is no snapshot, or not one yet`);
  };
}

function stampOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`;
}
