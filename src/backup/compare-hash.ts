import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { KeyValueHash, MemberStatus } from '../etcd/maintenance.ts';
import type { ProvedFacts } from '../snapshot/database-facts.ts';
import type { BackupContext } from './backup-context.ts';

/**
 * Compares our HashKV of a streamed file with the one that its member computes itself at that revision. Where the member does not
 * answer any more, answers for another state (it compacted meanwhile), or is too large to be asked, nothing is compared.
 *
 * etcd writes nothing while it computes it (etcd-io/etcd: mvcc/kvstore.go, hashByRev, holds the read transaction that a commit waits
 * for), hence the limit.
 *
 * @returns Whether both were compared.
 * @throws {AgentError} `SNAPSHOT_DAMAGED` when they differ.
 */
export async function compareHash(
  { etcd, settings, log }: Pick<BackupContext, 'etcd' | 'settings' | 'log'>,
  { hashKv, keyCount }: Pick<ProvedFacts, 'hashKv' | 'keyCount'>,
  { dbSizeInUseBytes }: Pick<MemberStatus, 'dbSizeInUseBytes'>,
  signal: AbortSignal,
): Promise<boolean> {
  // Where no key lives, etcd hashes also what a compaction has yet to remove, and that may be gone from the member by now.
  if (keyCount === 0 || dbSizeInUseBytes > settings.compareHashUpToBytes) return false;
  const { revision } = hashKv;
  let answer: KeyValueHash;
  try {
    answer = await etcd.hashKv(revision, signal);
  } catch (thrown) {
    const error = asAgentError(thrown);
    if (error.code === 'CANCELLED' || !(thrown instanceof AgentError)) throw error;
    if (error.code !== 'ETCD_COMPACTED')
      log.warn(
        { revision, code: error.code, error: error.message },
        'The member was not asked for its HashKV.',
      );
    return false;
  }
  if (answer.compactRevision !== hashKv.compactRevision) return false;
  if (answer.hash === hashKv.hash) return true;
  throw new AgentError(
    'SNAPSHOT_DAMAGED',
    `HashKV of the file is ${hashKv.hash} at revision ${revision}, the member says ${answer.hash}`,
    { details: { revision, ours: hashKv.hash, members: answer.hash } },
  );
}
