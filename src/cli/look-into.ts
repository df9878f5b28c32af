import { stat } from 'node:fs/promises';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';
import { openPageFile, type PageFile } from '../bbolt/page-file.ts';
import { READER_GONE_EXIT_STATUS } from './exit-status.ts';
import { findSnapshot, type FoundSnapshot } from './find-snapshot.ts';
import type { Session } from './session.ts';

/** A snapshot that is open for reading. */
export interface OpenSnapshot extends FoundSnapshot {
  readonly file: PageFile;
}

/**
 * Does `work` with snapshots that stay as they are meanwhile. The database of a running member would not, and what was read of it would be
 * of no one state.
 *
 * @returns the exit status of `work`; that of a broken pipe when nobody reads the output any more.
 * @throws {AgentError} `COPY_TORN`, and what `findSnapshot`, `openPageFile` and `work` throw.
 */
export async function lookInto(
  session: Session,
  words: readonly string[],
  work: (snapshots: readonly OpenSnapshot[], signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const { stdoutGone } = session.surroundings;
  const open: (OpenSnapshot & { readonly stamp: string })[] = [];
  try {
    for (const word of words) {
      const found = await findSnapshot(session, word);
      const stamp = (await stampOf(found.path)) ?? '';
      open.push({ ...found, stamp, file: openPageFile(found.path) });
    }
    return await work(open, stdoutGone);
  } catch (error) {
    if (stdoutGone.aborted) return READER_GONE_EXIT_STATUS;
    throw error;
  } finally {
    for (const { file } of open) file.close();
    for (const { path, stamp } of open) await requireUnchanged(path, stamp);
  }
}

/** `undefined` for what is gone: an open file is read to its end all the same. */
async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { mtimeNs, size, ino } = await stat(path, { bigint: true });
    return [mtimeNs, size, ino].join(' ');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function requireUnchanged(path: string, before: string): Promise<void> {
  const after = await stampOf(path);
  if (after === undefined || after === before) return;
  throw new AgentError('COPY_TORN', `${path} was written to while it was read: look into a copy of it`, {
    details: { path },
  });
}
