import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, open, rm, type FileHandle } from 'node:fs/promises';
import { AgentError, messageOf, systemCodeOf } from './agent-error.ts';
import { hashFile, type OnBytes } from './hash-file.ts';

export interface CopyOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: OnBytes;
  /** Default true: share the blocks where the file system can (xfs, btrfs), at one instant and at no cost. */
  readonly reflink?: boolean;
  /** Default false. Costs nothing beside a copy, and one reading of the new file after a reflink. */
  readonly hash?: boolean;
}

export interface FileCopy {
  readonly method: 'reflink' | 'copy';
  readonly sizeBytes: number;
  /** Of the bytes in the new file, lower-case hex; there when `hash` was asked for. */
  readonly sha256?: string;
}

const CHUNK_BYTES = 1 << 20;
/** Small steps of write-back: one sync of gigabytes at the end would stall the etcd on the same disk. */
const SYNC_EACH_BYTES = 32 << 20;

/**
 * Copies a file into a new one of mode 0600 and syncs it. The name is not: the caller renames it into place
 * and syncs the directory. A source that grows meanwhile is copied up to the size it had at the start.
 *
 * @param to - Must not exist; removed again when this throws.
 * @throws {AgentError} `EXPORT_TARGET_EXISTS`, `FILE_UNREADABLE`, `NO_SPACE`, or `COPY_TORN` when the source
 *   shrank meanwhile. An abort rejects with the signal's reason, other failures with the file system's error.
 */
export async function copyFileDurably(from: string, to: string, options: CopyOptions): Promise<FileCopy> {
  options.signal.throwIfAborted();
  const source = await openSource(from);
  try {
    if (options.reflink !== false && (await tryReflink(from, to))) {
      return await removeOnFailure(to, () => finishReflink(to, options));
    }
    const target = await open(to, 'wx', 0o600);
    return await removeOnFailure(to, () => copyAndSync(source, target, options));
  } catch (error) {
    throw explain(error, to);
  } finally {
    await source.close();
  }
}

async function openSource(from: string): Promise<FileHandle> {
  let source: FileHandle;
  try {
    // A FIFO would otherwise hold the open until somebody writes.
    source = await open(from, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `${from} could not be opened: ${messageOf(cause)}`, { cause });
  }
  if ((await source.stat()).isFile()) return source;
  await source.close();
  throw new AgentError('FILE_UNREADABLE', `${from} is not a regular file`);
}

/** False when the file system cannot share blocks, for whatever reason: the plain copy finds the real ones. */
async function tryReflink(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') throw error;
    return false;
  }
}

async function finishReflink(to: string, options: CopyOptions): Promise<FileCopy> {
  const target = await open(to, 'r+');
  let sizeBytes: number;
  try {
    await target.chmod(0o600);
    await target.sync();
    sizeBytes = (await target.stat()).size;
  } finally {
    await target.close();
  }
  if (options.hash === true) {
    return { method: 'reflink', ...(await hashFile(to, options.signal, options.onBytes)) };
  }
  options.onBytes?.(sizeBytes);
  return { method: 'reflink', sizeBytes };
}

async function copyAndSync(source: FileHandle, target: FileHandle, options: CopyOptions): Promise<FileCopy> {
  try {
    const { size: sizeBytes } = await source.stat();
    const hash = options.hash === true ? createHash('sha256') : undefined;
    await copyBytes({ source, target, sizeBytes, hash }, options);
    await target.sync();
    return { method: 'copy', sizeBytes, ...(hash === undefined ? {} : { sha256: hash.digest('hex') }) };
  } finally {
    await target.close();
  }
}

interface CopyJob {
  readonly source: FileHandle;
  readonly target: FileHandle;
  readonly sizeBytes: number;
  readonly hash: Hash | undefined;
}

/** One chunk is read while the one before it is written: two buffers, whatever the file's size. */
async function copyBytes(job: CopyJob, options: CopyOptions): Promise<void> {
  let filling = Buffer.allocUnsafe(CHUNK_BYTES);
  let spare = Buffer.allocUnsafe(CHUNK_BYTES);
  let position = 0;
  let unsyncedBytes = 0;
  let chunk = await readChunk(job, filling, position);
  while (chunk.length > 0) {
    options.signal.throwIfAborted();
    const next = position + chunk.length;
    const [following] = await Promise.all([
      readChunk(job, spare, next),
      writeChunk(job.target, chunk, position),
    ]);
    job.hash?.update(chunk);
    unsyncedBytes += chunk.length;
    if (unsyncedBytes >= SYNC_EACH_BYTES) {
      await job.target.datasync();
      unsyncedBytes = 0;
    }
    options.onBytes?.(next);
    [filling, spare] = [spare, filling];
    [chunk, position] = [following, next];
  }
}

/** The next bytes of the source, at most one buffer; empty at the size that the source had at the start. */
async function readChunk({ source, sizeBytes }: CopyJob, buffer: Buffer, position: number): Promise<Buffer> {
  const wanted = Math.min(buffer.length, sizeBytes - position);
  if (wanted === 0) return buffer.subarray(0, 0);
  const { bytesRead } = await source.read(buffer, 0, wanted, position);
  if (bytesRead > 0) return buffer.subarray(0, bytesRead);
  throw new AgentError(
    'COPY_TORN',
    `the source ended at byte ${position}, and it had ${sizeBytes} when the copy began`,
    { details: { sizeBytes, position } },
  );
}

async function writeChunk(target: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    const { bytesWritten } = await target.write(chunk, written, chunk.length - written, position + written);
    written += bytesWritten;
  }
}

async function removeOnFailure<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

function explain(error: unknown, to: string): unknown {
  const systemCode = systemCodeOf(error);
  if (systemCode === 'EEXIST') {
    return new AgentError('EXPORT_TARGET_EXISTS', `${to} exists already`, { cause: error });
  }
  if (systemCode === 'ENOSPC' || systemCode === 'EDQUOT') {
    return new AgentError('NO_SPACE', `${to} could not be written: ${messageOf(error)}`, { cause: error });
  }
  return error;
}
