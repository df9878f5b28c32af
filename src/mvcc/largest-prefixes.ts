import { breathe } from '../base/breathe.ts';
import type { PageFile } from '../bbolt/page-file.ts';
import { etcdBucket } from './etcd-bucket.ts';
import { keyspacePages } from './keyspace-entries.ts';
import { PrefixSizes, type LargestPrefixes } from './prefix-sizes.ts';

const PAGES_AT_A_TIME = 256;

/**
 * Which prefixes take most of a database: the `count` largest by bytes, and by revisions. Reads all changes that are kept.
 *
 * @param depth - See `PrefixSizes`.
 * @throws {AgentError} `SNAPSHOT_DAMAGED`, `SNAPSHOT_NOT_A_DATABASE`, `FILE_UNREADABLE`. An abort throws the signal's reason.
 */
export async function largestPrefixes(
  file: PageFile,
  { count, depth }: { readonly count: number; readonly depth: number },
  signal: AbortSignal,
): Promise<LargestPrefixes> {
  const sizes = new PrefixSizes(depth);
  let pageCount = 0;
  const lastRevision = Number.MAX_SAFE_INTEGER - 1;
  for (const changes of keyspacePages(etcdBucket(file, 'key'), { lastRevision })) {
    for (const { head, bytes } of changes) {
      const { keyStart, keyEnd, valueStart, valueEnd } = head;
      sizes.add({ bytes, start: keyStart, end: keyEnd }, keyEnd - keyStart + valueEnd - valueStart);
    }
    pageCount += 1;
    if (pageCount % PAGES_AT_A_TIME === 0) await breathe(signal);
  }
  return sizes.largest(count);
}
