import { rm } from 'node:fs/promises';
import { AgentError } from '../base/agent-error.ts';
import { copyFileDurably, type FileCopy } from '../base/copy-file.ts';
import type { OnBytes } from '../base/hash-file.ts';
import { sameMeta } from '../bbolt/meta-pages.ts';
import { readMetaPages } from '../bbolt/meta-pages.ts';

export interface PlainCopyOptions {
  readonly signal: AbortSignal;
  readonly onBytes: OnBytes;
}

const TRIES = 4;

/**
 * Copies a database file that nobody pins, and keeps the copy only when no transaction ended meanwhile: bbolt writes
 * the pages of a transaction to places that the state before does not use, and a meta page last. As long as both metas
 * stay, every page of the state they name does too.
 *
 * What etcd did not commit to the file yet (about 100 ms, and only in the WAL) is not in the copy.
 *
 * @param to - Must not exist; removed again when this throws.
 * @throws {AgentError} `COPY_TORN` after four tries; as `copyFileDurably` and `readMetaPages`.
 */
export async function copyUnmoved(
  { from, to }: { readonly from: string; readonly to: string },
  { signal, onBytes }: PlainCopyOptions,
): Promise<FileCopy> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const before = await readMetaPages(from);
    const copy = await copyFileDurably(from, to, { signal, onBytes });
    const [copied, after] = [await readMetaPages(to), await readMetaPages(from)];
    if (sameMeta(before, copied) && sameMeta(before, after)) return copy;
    await rm(to, { force: true });
  }
  throw new AgentError('COPY_TORN', `${from} was written to during each of ${TRIES} copies`, {
    details: { path: from },
  });
}
