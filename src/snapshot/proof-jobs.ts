import type { RunJob } from '../base/serve-thread-job.ts';
import { judgeTrailer } from './trailer-hash.ts';

interface FileToRead {
  readonly path: string;
}

export const PROOF_JOBS = {
  'hash-file': ({ path }: FileToRead, onBytes) => judgeTrailer(path, new AbortController().signal, onBytes),
} as const satisfies Record<string, RunJob>;
