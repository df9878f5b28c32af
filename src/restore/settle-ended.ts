import type { KnownOperations } from './known-operations.ts';
import { removeStoredOperation } from './stored-operations.ts';

/** Journals of ended operations beyond these are removed, the oldest first. */
const ENDED_KEPT = 20;

/** Ended operations need no room in advance, and only the newest are kept. One that is stuck has not ended well. */
export async function settleEnded(known: KnownOperations, stateDir: string): Promise<void> {
  const ended = known.all().filter((operation) => operation.isSettled);
  for (const operation of ended) await operation.participant.journal.trim();
  const byAge = ended.sort((a, b) => (a.id < b.id ? 1 : -1));
  for (const operation of byAge.slice(ENDED_KEPT)) {
    known.forget(operation);
    await operation.close();
    await removeStoredOperation(stateDir, operation.id);
  }
}
