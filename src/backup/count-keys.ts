import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { BackupContext } from './backup-context.ts';

/** All keys, as etcd writes it: from the lowest key on, without end. */
const ALL_KEYS = { key: Buffer.of(0), rangeEnd: Buffer.of(0) } as const;

/**
 * The live keys at `revision`, as this member counts them. Absent when it cannot say any more, because the revision was
 * compacted meanwhile or the member went away.
 */
export async function countKeys(
  { etcd, log }: BackupContext,
  revision: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const query = { ...ALL_KEYS, revision, countOnly: true, serializable: true };
    return (await etcd.range(query, signal)).count;
  } catch (thrown) {
    const error = asAgentError(thrown);
    if (error.code === 'CANCELLED' || !(thrown instanceof AgentError)) throw error;
    log.warn(
      { revision, code: error.code, error: error.message },
      'The keys of the snapshot were not counted.',
    );
    return undefined;
  }
}
