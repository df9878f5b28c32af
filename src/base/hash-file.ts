import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Called with the bytes handled so far. */
export type OnBytes = (bytes: number) => void;

/** SHA-256 of the whole file in lower-case hex, and its size. Reads 1 MiB at a time. */
export async function hashFile(
  path: string,
  signal: AbortSignal,
  onBytes?: OnBytes,
): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path, {
    highWaterMark: 1 << 20,
    signal,
  }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    onBytes?.(sizeBytes);
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}
