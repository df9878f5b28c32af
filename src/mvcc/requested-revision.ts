import { AgentError } from '../base/agent-error.ts';
import type { PageFile } from '../bbolt/page-file.ts';
import { readKeyspaceFacts } from './keyspace-facts.ts';

/**
 * The revision to read at: the one that was asked for, else the newest. As etcd answers: the compacted revision itself
 * can still be read, what was before it cannot (etcd: server/storage/mvcc/kvstore_txn.go, rangeKeys).
 *
 * @throws {AgentError} `REVISION_COMPACTED`, `REVISION_FUTURE`; what `readKeyspaceFacts` throws.
 */
export function requestedRevision(file: PageFile, asked: number | undefined): number {
  const { revision, compactRevision } = readKeyspaceFacts(file);
  if (asked === undefined) return revision;
  const details = { asked, revision, compactRevision };
  if (asked > revision) {
    throw new AgentError(
      'REVISION_FUTURE',
      `revision ${asked} is a future revision: the newest of the snapshot is ${revision}`,
      { details },
    );
  }
  if (asked >= compactRevision) return asked;
  throw new AgentError(
    'REVISION_COMPACTED',
    `revision ${asked} has been compacted: the oldest of the snapshot is ${compactRevision}`,
    { details },
  );
}
