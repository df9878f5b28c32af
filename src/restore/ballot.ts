import type { BallotDecision, BallotSlot, Epoch } from '../formats/restore-journal.ts';
import type { ParticipantReport } from '../formats/restore-messages.ts';

/** How many of `participants` must have synced a decision before anybody acts on it. */
export function majorityOf(participants: number): number {
  return Math.floor(participants / 2) + 1;
}

/** Below 0: `a` is older. The counter decides, then the name, so that two coordinators never share an epoch. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  if (a.counter !== b.counter) return a.counter - b.counter;
  return a.agent === b.agent ? 0 : a.agent < b.agent ? -1 : 1;
}

/** A decision that a new coordinator found, and must go on with. */
export interface FoundDecision {
  readonly decision: BallotDecision;
  /** Somebody acted on it already: it needs no more votes. */
  readonly decided: boolean;
}

/**
 * What the promises of a majority say about a slot: what is decided, else the vote of the highest epoch. It may have been
 * decided by hosts that are silent now, so nothing else may be proposed. `undefined`: nothing can have been decided.
 */
export function adoptedDecision(
  reports: readonly ParticipantReport[],
  slot: BallotSlot,
): FoundDecision | undefined {
  const decided = reports.find((report) => report.decided[slot] !== undefined)?.decided[slot];
  if (decided !== undefined) return { decision: decided, decided: true };
  const votes = reports.flatMap(({ votes: { [slot]: vote } }) => vote ?? []);
  const [newest] = votes.sort((a, b) => compareEpochs(b.epoch, a.epoch));
  return newest === undefined ? undefined : { decision: newest.decision, decided: false };
}
