import { stat } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';
import type { OnBytes } from '../base/hash-file.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { judgeTrailer } from './trailer-hash.ts';

/** What a full reading of the file found: `problem` is absent when it is what the manifest says. */
export interface FileVerdict {
  readonly problem?: string;
}

/**
 * Compares a stored file with its manifest: size, SHA-256, and the trailer where it has one. Rejects only when the
 * file cannot be read to its end (the file system's error, or the signal's reason): that is no verdict on it.
 */
export async function verifyFile(
  path: string,
  manifest: SnapshotManifest,
  signal: AbortSignal,
  onBytes?: OnBytes,
): Promise<FileVerdict> {
  const sizeBytes = await sizeOf(path);
  if (sizeBytes === undefined) return { problem: 'the file is gone' };
  if (sizeBytes !== manifest.sizeBytes) {
    return { problem: `the file has ${sizeBytes} bytes, the manifest says ${manifest.sizeBytes}` };
  }
  const found = await judgeTrailer(path, signal, onBytes);
  if (found.sha256 !== manifest.sha256) {
    return { problem: `SHA-256 is ${found.sha256}, the manifest says ${manifest.sha256}` };
  }
  if (manifest.hasTrailer && !found.trailerFits) {
    return { problem: `the trailer is ${found.trailer}, the bytes before it hash to ${found.bodySha256}` };
  }
  return {};
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
