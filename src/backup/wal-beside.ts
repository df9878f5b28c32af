import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { readLogIdentity } from '../wal/read-identity.ts';
import type { LogIdentity } from '../wal/record-data.ts';
import { readWal, type WalFacts } from '../wal/read-wal.ts';
import type { BackupSettings } from './backup-context.ts';

/** What could be read of the write-ahead log beside a database. */
export interface WalBeside {
  readonly directory: string;
  /** Also of a log that is damaged further on. */
  readonly identity?: LogIdentity;
  readonly facts?: WalFacts;
  /** Why there are no facts. */
  readonly problem?: AgentError;
}

/**
 * Reads the log of the member whose database was copied, at once after the copy. A log that cannot be read is no reason
 * to do without the copy: what is wrong with it is part of the answer.
 *
 * @throws {AgentError} `CANCELLED`
 */
export async function readWalBeside(
  { dataDir, walDir }: Pick<BackupSettings, 'dataDir' | 'walDir'>,
  signal: AbortSignal,
): Promise<WalBeside> {
  const directory = walDir ?? join(dataDir, 'member', 'wal');
  const facts = await orProblem(readWal(directory, signal));
  if (!(facts instanceof AgentError)) {
    const { memberId, clusterId } = facts;
    return { directory, identity: { memberId, clusterId }, facts };
  }
  const identity = await orProblem(readLogIdentity(directory, signal));
  return { directory, problem: facts, ...(identity instanceof AgentError ? {} : { identity }) };
}

async function orProblem<T>(reading: Promise<T>): Promise<T | AgentError> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'CANCELLED') throw error;
    return error;
  }
}
