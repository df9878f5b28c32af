import type { RunJob } from '../base/serve-thread-job.ts';
import { openPageFile } from '../bbolt/page-file.ts';
import { readKeyspaceFacts } from '../mvcc/keyspace-facts.ts';
import { readMembership } from '../mvcc/membership.ts';
import { proveKeyspace } from '../mvcc/prove-keyspace.ts';
import { judgeTrailer } from './trailer-hash.ts';

interface FileToRead {
  readonly path: string;
}

export interface FileToProve extends FileToRead {
  /** Computes what `snapshot status` prints too. */
  readonly withStatus: boolean;
}

/** What a proof does in its threads. Each of them blocks, and closes what it opened. */
export const PROOF_JOBS = {
  'hash-file': ({ path }: FileToRead, onBytes) => judgeTrailer(path, onBytes),
  'prove-keyspace': ({ path, withStatus }: FileToProve, onBytes) =>
    proveKeyspace(path, { withStatus, onBytes }),
  'read-facts': ({ path }: FileToRead) => {
    using file = openPageFile(path);
    return readKeyspaceFacts(file);
  },
  'read-membership': ({ path }: FileToRead) => {
    using file = openPageFile(path);
    return readMembership(file);
  },
} as const satisfies Record<string, RunJob>;
