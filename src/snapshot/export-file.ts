import { randomBytes } from 'node:crypto';
import { access, constants, link, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import { copyFileDurably } from '../base/copy-file.ts';
import { PARTIAL_SUFFIX, syncDirectory } from '../base/durable-file.ts';
import { requireFreeSpace } from '../base/free-space.ts';
import type { OnBytes } from '../base/hash-file.ts';

/** File systems without hard links answer with one of these. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];
/** The agent may not write there, or there is no such directory. */
const UNWRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'];

export interface ExportRequest {
  readonly from: string;
  /** Must not exist. */
  readonly to: string;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
  readonly onBytes?: OnBytes;
}

/**
 * Copies a stored file to `to`, whole or not at all, and durably. What was written is hashed on the way, and `isRight`
 * judges it before the name appears.
 *
 * @param isRight - Throws when the SHA-256 is not the one in the manifest.
 * @throws {AgentError} `EXPORT_TARGET_EXISTS`, `EXPORT_TARGET_UNWRITABLE`, `NO_SPACE`; and what `isRight` throws. Nothing is left then.
 */
export async function exportFile(
  request: ExportRequest,
  isRight: (copied: { sha256: string; sizeBytes: number }) => Promise<void>,
): Promise<void> {
  const { from, to, signal, onBytes } = request;
  await refuseExisting(to);
  await requireWritable(dirname(to));
  await requireFreeSpace(dirname(to), request.sizeBytes);
  const partial = join(dirname(to), `.${basename(to)}.${randomBytes(4).toString('hex')}${PARTIAL_SUFFIX}`);
  try {
    const copied = await copyFileDurably(from, partial, {
      signal,
      hash: true,
      ...(onBytes === undefined ? {} : { onBytes }),
    });
    await isRight({ sha256: copied.sha256 ?? '', sizeBytes: copied.sizeBytes });
    await moveWithoutReplacing(partial, to);
    await syncDirectory(dirname(to));
  } finally {
    await rm(partial, { force: true });
  }
}

/** A rename would silently replace a file that somebody put there meanwhile; a link does not. */
async function moveWithoutReplacing(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    await rm(from);
  } catch (error) {
    const code = systemCodeOf(error) ?? '';
    if (code === 'EEXIST') throw targetExists(to);
    if (!NO_LINKS.includes(code)) throw error;
    await refuseExisting(to);
    await rename(from, to);
  }
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return;
    throw refusal(path, error);
  }
  throw targetExists(path);
}

async function requireWritable(directory: string): Promise<void> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw refusal(directory, error);
  }
}

function refusal(path: string, error: unknown): unknown {
  if (!UNWRITABLE.includes(systemCodeOf(error) ?? '')) return error;
  return new AgentError('EXPORT_TARGET_UNWRITABLE', `the agent cannot write there: ${messageOf(error)}`, {
    cause: error,
    details: { path },
  });
}

function targetExists(path: string): AgentError {
  return new AgentError('EXPORT_TARGET_EXISTS', `${path} exists already`);
}
