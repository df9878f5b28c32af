import { AgentError } from '../base/agent-error.ts';
import { judgeStructure, type SoundKeyspace } from './judge-structure.ts';
import type { FileProof } from './prover.ts';
import type { TrailerVerdict } from './trailer-hash.ts';

/** bbolt's pages are multiples of it, so only a trailer leaves anything over. */
const PAGE_DIVISOR = 512;

/** A file of which nothing is known but itself. Without a trailer it has only its structure to be judged by. */
export type FileJudgement = { readonly keyspace: SoundKeyspace } | { readonly refusal: AgentError };

/**
 * All of what speaks against the file in one error: `SNAPSHOT_NOT_A_DATABASE`, `SNAPSHOT_TRUNCATED`, `SNAPSHOT_HASH_MISMATCH` or
 * `SNAPSHOT_DAMAGED`.
 */
export function judgeFile({ bytes, keyspace }: FileProof): FileJudgement {
  const structure = judgeStructure(keyspace);
  const wrong = refusalOfBytes(bytes);
  if (!(structure instanceof AgentError)) {
    return wrong === undefined ? { keyspace: structure } : { refusal: wrong };
  }
  if (wrong === undefined || structure.code === 'SNAPSHOT_NOT_A_DATABASE') return { refusal: structure };
  const { details, message } = structure;
  return { refusal: new AgentError(wrong.code, `${wrong.message}; ${message}`, { details }) };
}

function refusalOfBytes(found: TrailerVerdict): AgentError | undefined {
  if (found.hasTrailerSize && !found.trailerFits) {
    return new AgentError(
      'SNAPSHOT_HASH_MISMATCH',
      `its bytes hash to ${found.bodySha256}, its trailer says ${found.trailer}`,
    );
  }
  if (found.hasTrailerSize || found.sizeBytes % PAGE_DIVISOR === 0) return undefined;
  return new AgentError(
    'SNAPSHOT_TRUNCATED',
    `it has ${found.sizeBytes} bytes: neither whole pages, nor whole pages and a trailer of 32 bytes`,
  );
}
