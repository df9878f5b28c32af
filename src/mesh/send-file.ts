import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { AgentError } from '../base/agent-error.ts';

interface SendOptions {
  readonly signal: AbortSignal;
  /** The connection is cut when the other side takes no byte for this time. */
  readonly stallMs: number;
}

const BUFFER_BYTES = 1024 * 1024;

/**
 * Sends a file from `firstByte` on over an answer whose head is written. Two buffers take turns: one is read into while the
 * kernel takes the other, so memory stays flat and nothing is collected. A connection that ends early is not an error
 * here: the other side resumes.
 *
 * @throws {AgentError} `STORAGE_CORRUPTED` when the file is shorter than it was; the disk's error. The connection is cut then,
 *   so that the short answer does not look whole.
 */
export async function sendFile(
  file: FileHandle,
  range: { readonly firstByte: number; readonly sizeBytes: number },
  response: ServerResponse,
  options: SendOptions,
): Promise<void> {
  const cut = (): void => {
    response.destroy();
  };
  options.signal.addEventListener('abort', cut, { once: true });
  response.setTimeout(options.stallMs, cut);
  response.on('error', () => undefined);
  try {
    if (options.signal.aborted) cut();
    await sendAll(file, range, response);
    if (!response.destroyed) await ended(response);
  } catch (error) {
    cut();
    throw error;
  } finally {
    options.signal.removeEventListener('abort', cut);
  }
}

async function sendAll(
  file: FileHandle,
  range: { readonly firstByte: number; readonly sizeBytes: number },
  response: ServerResponse,
): Promise<void> {
  let reading = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let sending = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let sent: Promise<void> = Promise.resolve();
  for (let position = range.firstByte; position < range.sizeBytes && !response.destroyed;) {
    const wanted = Math.min(BUFFER_BYTES, range.sizeBytes - position);
    const { bytesRead } = await file.read(reading, 0, wanted, position);
    if (bytesRead === 0) {
      throw new AgentError('STORAGE_CORRUPTED', `the file ended at byte ${position} of ${range.sizeBytes}`);
    }
    await sent;
    sent = taken(response, reading.subarray(0, bytesRead));
    [reading, sending] = [sending, reading];
    position += bytesRead;
  }
  await sent;
}

/** Resolves when the kernel has the bytes and the buffer may be used again, or when there is no connection any more. */
async function taken(response: ServerResponse, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    const over = (): void => {
      response.off('close', over);
      resolve();
    };
    response.once('close', over);
    if (response.destroyed) over();
    else response.write(bytes, over);
  });
}

async function ended(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end();
  });
}
