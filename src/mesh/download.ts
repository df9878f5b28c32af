import { dirname } from 'node:path';
import { AgentError, asAgentError, messageOf } from '../base/agent-error.ts';
import { backoffMs } from '../base/backoff.ts';
import { PARTIAL_SUFFIX } from '../base/durable-file.ts';
import { requireFreeSpace } from '../base/free-space.ts';
import type { OnBytes } from '../base/hash-file.ts';
import { fetchRange, type RangeBody } from './fetch-range.ts';
import type { MeshPeer, MeshSettings } from './mesh-options.ts';
import { PartialFile } from './partial-file.ts';

export interface Download {
  readonly peer: string;
  readonly fileId: string;
  /** Absolute. Replaced as a whole, or untouched. */
  readonly toPath: string;
  readonly expected: { readonly sizeBytes: number; readonly sha256: string };
  readonly signal: AbortSignal;
  /** Bytes there so far, those of earlier calls included. */
  readonly onBytes?: OnBytes;
}

/** What a download needs of the mesh. */
export interface DownloadPort {
  readonly peer: MeshPeer;
  readonly settings: MeshSettings;
  /** A ticket for the file, or `undefined` where TLS says who asks. */
  ticket(signal: AbortSignal): Promise<string | undefined>;
}

/** Tries in a row that bring less than `PROGRESS_BYTES`. */
const MOST_VAIN_TRIES = 5;
const PROGRESS_BYTES = 1024 * 1024;
const BUSY_WAIT_MS = { firstMs: 1000, longestMs: 2000 };

/**
 * Brings a peer's file here, whole and durable (mode 0600) or not at all. It hashes while it streams, resumes after a broken
 * connection as long as there is progress, and waits for its turn at a busy peer.
 *
 * What arrived before a failure stays in `toPath.partial`, and the next call goes on from there, whichever peer it asks. If
 * the whole then has the wrong hash, an earlier part may be to blame, and it starts again once from nothing.
 *
 * @throws {AgentError} `TRANSFER_FAILED` (part kept), `CANCELLED` (part kept), `STORAGE_ABSENT`, `PEER_REFUSED`,
 *   `TOO_MANY_REQUESTS`; `STORAGE_CORRUPTED` and `NO_SPACE` leave nothing behind.
 */
export async function downloadFile(download: Download, port: DownloadPort): Promise<void> {
  const { expected, signal, toPath } = download;
  let partial: PartialFile | undefined;
  try {
    signal.throwIfAborted();
    partial = await PartialFile.open(toPath, expected.sizeBytes, signal);
    await requireFreeSpace(dirname(toPath), expected.sizeBytes - partial.sizeBytes);
    await fillAndProve(partial, download, port);
    await partial.publish();
  } catch (thrown) {
    const error = await settle(partial, download, thrown);
    if (error.code === 'STORAGE_CORRUPTED' || error.code === 'NO_SPACE') await partial?.discard();
    throw error;
  } finally {
    await partial?.close();
  }
}

async function fillAndProve(partial: PartialFile, download: Download, port: DownloadPort): Promise<void> {
  const { expected, fileId, peer } = download;
  const foundBytes = partial.sizeBytes;
  await fill(partial, download, port);
  let sha256 = await partial.finish();
  if (sha256 !== expected.sha256 && foundBytes > 0) {
    port.settings.log?.warn(
      { fileId, peer, foundBytes },
      'a download starts again: an earlier part did not fit',
    );
    await partial.restart();
    await fill(partial, download, port);
    sha256 = await partial.finish();
  }
  if (sha256 === expected.sha256) return;
  throw new AgentError(
    'STORAGE_CORRUPTED',
    `${fileId} from ${peer} has the SHA-256 ${sha256}, and ${expected.sha256} was expected`,
    { details: { peer, fileId, sha256, expectedSha256: expected.sha256 } },
  );
}

async function fill(partial: PartialFile, download: Download, port: DownloadPort): Promise<void> {
  const { clock, limits, reconnect } = port.settings;
  const { expected, signal } = download;
  const startedAt = clock.now();
  for (let vain = 0; partial.sizeBytes < expected.sizeBytes;) {
    const before = partial.sizeBytes;
    const error = await failureOf(fillOnce(partial, download, port));
    if (error === undefined) continue;
    if (signal.aborted || !isWorthAnotherTry(error)) throw error;
    const busy = isBusy(error);
    if (busy && clock.now() - startedAt > limits.busyWaitMs) throw error;
    if (!busy) vain = afterTry(vain, partial.sizeBytes - before);
    if (vain > MOST_VAIN_TRIES) throw error;
    await clock.sleep(busy ? backoffMs(0, BUSY_WAIT_MS) : backoffMs(vain - 1, reconnect), signal);
  }
}

/** A try that brought something begins the count anew, so that a bad line does not end a long transfer. */
function afterTry(vain: number, broughtBytes: number): number {
  return broughtBytes >= PROGRESS_BYTES ? 1 : vain + 1;
}

async function failureOf(work: Promise<void>): Promise<Error | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}

function isWorthAnotherTry(error: Error): boolean {
  return error instanceof AgentError && error.retryable && error.code !== 'NO_SPACE';
}

function isBusy(error: Error): boolean {
  return error instanceof AgentError && error.code === 'TOO_MANY_REQUESTS';
}

async function fillOnce(partial: PartialFile, download: Download, port: DownloadPort): Promise<void> {
  const { expected, fileId, signal } = download;
  const ticket = await port.ticket(signal);
  const { stallMs } = port.settings.limits;
  const firstByte = partial.sizeBytes;
  const wanted = { fileId, expected, firstByte, stallMs, ...(ticket === undefined ? {} : { ticket }) };
  const range = await fetchRange(port.peer, wanted, port.settings, signal);
  try {
    if (range.firstByte !== firstByte) await partial.restart();
    await receive(partial, download, range);
  } finally {
    range.close();
  }
}

async function receive(partial: PartialFile, download: Download, range: RangeBody): Promise<void> {
  const { onBytes, peer } = download;
  try {
    await range.read((bytes) => {
      const taking = partial.append(bytes);
      onBytes?.(partial.sizeBytes);
      return taking;
    });
    onBytes?.(partial.sizeBytes);
  } catch (cause) {
    // The disk's failures come as ours already: another try would meet them again.
    if (cause instanceof AgentError) throw cause;
    throw new AgentError('TRANSFER_FAILED', `the connection to ${peer} broke: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Keeps what arrived, and says how much that is. */
async function settle(
  partial: PartialFile | undefined,
  download: Download,
  thrown: unknown,
): Promise<AgentError> {
  const { expected, fileId, peer, signal, toPath } = download;
  if (partial === undefined) {
    return signal.aborted ? cancelled(download) : asAgentError(thrown, 'FILE_UNREADABLE');
  }
  try {
    await partial.flush();
  } catch (error) {
    return asAgentError(error, 'FILE_UNREADABLE');
  }
  if (signal.aborted) return cancelled(download);
  const error = asAgentError(thrown, 'FILE_UNREADABLE');
  if (!['TRANSFER_FAILED', 'PEER_UNREACHABLE', 'PEER_TIMEOUT'].includes(error.code)) return error;
  const keptBytes = partial.sizeBytes;
  return new AgentError(
    'TRANSFER_FAILED',
    `${fileId} from ${peer}: ${error.message}; ${keptBytes} of ${expected.sizeBytes} bytes are kept in ${toPath}${PARTIAL_SUFFIX}`,
    { cause: error, details: { peer, fileId, keptBytes, sizeBytes: expected.sizeBytes } },
  );
}

function cancelled({ fileId, peer, signal }: Download): AgentError {
  return new AgentError('CANCELLED', `the download of ${fileId} from ${peer} was cancelled`, {
    cause: signal.reason,
  });
}
