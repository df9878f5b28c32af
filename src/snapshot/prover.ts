import { AgentError } from '../base/agent-error.ts';
import type { ErrorCode } from '../base/error-codes.ts';
import type { OnBytes } from '../base/hash-file.ts';
import { runInThread, type ThreadOptions, type ThreadProgram } from '../base/run-in-thread.ts';
import type { KeyspaceFacts } from '../mvcc/keyspace-facts.ts';
import type { Membership } from '../mvcc/membership.ts';
import type { KeyspaceProof } from '../mvcc/prove-keyspace.ts';
import type { FileToProve, PROOF_JOBS } from './proof-jobs.ts';
import type { TrailerVerdict } from './trailer-hash.ts';

type Jobs = typeof PROOF_JOBS;
type ResultOf<J extends keyof Jobs> = Awaited<ReturnType<Jobs[J]>>;

/** How much of the keyspace is computed. */
interface ProofExtent {
  /** What `snapshot status` prints too. */
  readonly withStatus?: boolean;
}

/** What two readings of a whole file found. */
export interface FileProof {
  readonly bytes: TrailerVerdict;
  /** Or why the file could not be read as a database at all: `SNAPSHOT_DAMAGED`, `SNAPSHOT_NOT_A_DATABASE`. */
  readonly keyspace: KeyspaceProof | AgentError;
}

/**
 * Reads database files in threads, so that the event loop that serves peers never does. A file is only read, and may be of any
 * kind: what is wrong with it is found, not believed.
 *
 * Each rejects with `FILE_UNREADABLE` or the file system's error when the file cannot be read to its end, with `THREAD_DIED`, and with
 * the signal's reason: that is no verdict on the file.
 */
export interface Prover {
  /** Every page once: the structure, what etcd says in it, its live keys and HashKV. @throws {AgentError} also `SNAPSHOT_DAMAGED`, `SNAPSHOT_NOT_A_DATABASE`. */
  proveKeyspace(path: string, options: ThreadOptions): Promise<KeyspaceProof>;
  /** The same, and SHA-256 and trailer beside it in a second thread. */
  proveFile(path: string, options: ThreadOptions & ProofExtent): Promise<FileProof>;
  /** The few pages that tell what the file is. Proves nothing. @throws {AgentError} as `proveKeyspace` */
  readFacts(path: string, signal: AbortSignal): Promise<KeyspaceFacts>;
  /** Whom the file names as members. Proves nothing. @throws {AgentError} `SNAPSHOT_DAMAGED`. */
  readMembership(path: string, signal: AbortSignal): Promise<Membership>;
}

/** A verdict on the file, not on the reading of it. */
const REFUSALS: readonly ErrorCode[] = ['SNAPSHOT_DAMAGED', 'SNAPSHOT_NOT_A_DATABASE'];

export function openProver(program: ThreadProgram): Prover {
  const run = async <J extends keyof Jobs>(
    job: J,
    path: string,
    options: ThreadOptions & ProofExtent,
  ): Promise<ResultOf<J>> =>
    (await runInThread(program, { job, params: paramsOf(path, options) }, options)) as ResultOf<J>;
  return {
    proveKeyspace: (path, options) => run('prove-keyspace', path, options),
    readFacts: (path, signal) => run('read-facts', path, { signal }),
    readMembership: (path, signal) => run('read-membership', path, { signal }),
    proveFile: async (path, { signal, onBytes, withStatus = false }) => {
      const failed = new AbortController();
      const both = AbortSignal.any([signal, failed.signal]);
      const [hashing, walking] = slowerOf(onBytes);
      const reading = [
        run('hash-file', path, { signal: both, onBytes: hashing.onBytes }).finally(hashing.end),
        run('prove-keyspace', path, { signal: both, onBytes: walking.onBytes, withStatus })
          .finally(walking.end)
          .catch(refusalOf),
      ] as const;
      try {
        const [bytes, keyspace] = await Promise.all(reading);
        onBytes?.(bytes.sizeBytes);
        signal.throwIfAborted();
        return { bytes, keyspace };
      } catch (error) {
        failed.abort(error);
        await Promise.allSettled(reading);
        throw error;
      }
    },
  };
}

function paramsOf(path: string, { withStatus = false }: ProofExtent): FileToProve {
  return { path, withStatus };
}

/** A verdict on the file, given back; what is none is thrown on. */
export function refusalOf(error: unknown): AgentError {
  if (error instanceof AgentError && REFUSALS.includes(error.code)) return error;
  throw error;
}

interface Reading {
  readonly onBytes: OnBytes;
  /** It is no longer waited for: a walk reads only what is in use. */
  readonly end: () => void;
}

/** Two readings of one file are as far as the one behind. */
function slowerOf(onBytes: OnBytes = () => undefined): [Reading, Reading] {
  const done = [0, 0];
  const reading = (index: 0 | 1): Reading => ({
    onBytes: (bytes) => {
      done[index] = bytes;
      onBytes(Math.min(...done));
    },
    end: () => {
      done[index] = Number.MAX_SAFE_INTEGER;
    },
  });
  return [reading(0), reading(1)];
}
