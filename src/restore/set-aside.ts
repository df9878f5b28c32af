import { lstat, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeDurably, renameDurably } from '../base/durable-file.ts';
import { namesIn } from '../base/names-in.ts';
import type { SetAside } from './decide-clean.ts';
import { STAGING_ROOT } from './layout.ts';
import { removeIfEmpty } from './steps/remove-if-empty.ts';

/** As operations and rejoins name it: `member.before-20261123T150000Z-a1b2c3`, `wal.before-rejoin-20261123T150000Z`. */
const NAME = /^(?:member|wal)[.](before|restored)-((?:rejoin-|replace-)?(\d{8}T\d{6})Z(?:-[0-9a-f]{6})?)$/;

const BLOCK_BYTES = 512;

/**
 * Everything that operations set aside in these directories, with what it takes on disk. Walks it all.
 *
 * Throws the file system's error; a directory that is not there holds nothing.
 */
export async function findSetAside(directories: readonly string[], signal: AbortSignal): Promise<SetAside[]> {
  const found: SetAside[] = [];
  for (const directory of directories) {
    for (const name of await namesIn(directory)) {
      const [, kind, operation = '', time = ''] = NAME.exec(name) ?? [];
      if (kind !== 'before' && kind !== 'restored') continue;
      const path = join(directory, name);
      const sizeBytes = await diskBytesOf(path, signal);
      found.push({ path, operation, kind, sizeBytes, sinceMs: timeOf(time) });
    }
  }
  return found;
}

/**
 * Removes one of them. It gets another name first, so that what a crash leaves of it is never taken for data to go back to;
 * the next start of the agent removes that.
 */
export async function removeSetAside(path: string): Promise<void> {
  const root = join(dirname(path), STAGING_ROOT);
  const doomed = join(root, `removed-${basename(path)}`);
  await mkdir(root, { recursive: true, mode: 0o700 });
  await removeDurably(doomed);
  await renameDurably(path, doomed);
  await removeDurably(doomed);
  await removeIfEmpty(root);
}

async function diskBytesOf(path: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const entry = await lstat(path);
  let sizeBytes = entry.blocks * BLOCK_BYTES;
  if (!entry.isDirectory()) return sizeBytes;
  for (const name of await readdir(path)) sizeBytes += await diskBytesOf(join(path, name), signal);
  return sizeBytes;
}

/** `20261123T143000` in milliseconds since the epoch. */
function timeOf(compact: string): number {
  return Date.parse(compact.replace(/^(....)(..)(..)T(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z'));
}
