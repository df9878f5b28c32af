import { open, rename, stat } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';

const ROTATE_ABOVE_BYTES = 64 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;
const TAIL_LINES = 40;

/** Renames a log file that grew too large to `<path>.1`, replacing an older one. Only while nobody writes to it. */
export async function rotateLog(path: string, aboveBytes = ROTATE_ABOVE_BYTES): Promise<void> {
  if ((await logSizeBytes(path)) > aboveBytes) await rename(path, `${path}.1`);
}

/** 0 when there is none. */
export async function logSizeBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** The last 40 lines after `fromByte`, of at most 64 KiB however large the file is. Empty when there is none. */
export async function lastLogLines(path: string, fromByte = 0): Promise<string> {
  const sizeBytes = await logSizeBytes(path);
  const start = Math.max(fromByte, sizeBytes - TAIL_BYTES);
  if (sizeBytes <= start) return '';
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(sizeBytes - start),
      position: start,
    });
    const lines = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n');
    // Where the window cuts a line in two, its rest says nothing.
    if (start > fromByte) lines.shift();
    return lines.slice(-TAIL_LINES).join('\n');
  } finally {
    await file.close();
  }
}
