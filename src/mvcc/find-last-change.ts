import { breathe } from '../base/breathe.ts';
import type { PageFile } from '../bbolt/page-file.ts';
import { etcdBucket } from './etcd-bucket.ts';
import { keyspacePages, type KeyspaceEntry } from './keyspace-entries.ts';
import { requestedRevision } from './requested-revision.ts';

const PAGES_AT_A_TIME = 256;

/**
 * The last change of a key up to a revision, the newest by default: its value, or the tombstone of a deletion; `undefined` when there is
 * none. Reads the changes from the last on backwards until it meets one of the key: all of them when there is none.
 *
 * @throws {AgentError} `REVISION_COMPACTED`, `REVISION_FUTURE`, `SNAPSHOT_DAMAGED`, `SNAPSHOT_NOT_A_DATABASE`, `FILE_UNREADABLE`. An
 *   abort throws the signal's reason.
 */
export async function findLastChange(
  file: PageFile,
  { key, revision }: { readonly key: Buffer; readonly revision?: number },
  signal: AbortSignal,
): Promise<KeyspaceEntry | undefined> {
  const lastRevision = requestedRevision(file, revision);
  let pageCount = 0;
  for (const changes of keyspacePages(etcdBucket(file, 'key'), { lastRevision, isBackwards: true })) {
    for (const change of changes) {
      if (isOf(change, key)) return change;
    }
    pageCount += 1;
    if (pageCount % PAGES_AT_A_TIME === 0) await breathe(signal);
  }
  return undefined;
}

function isOf({ head, bytes }: KeyspaceEntry, key: Buffer): boolean {
  const { keyStart, keyEnd } = head;
  return keyEnd - keyStart === key.length && key.compare(bytes, keyStart, keyEnd) === 0;
}
