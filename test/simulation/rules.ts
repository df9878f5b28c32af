import { chooseSnapshot } from '../../src/restore/choose-snapshot.ts';
import { moveCoordinator } from '../../src/restore/coordinator.ts';
import { moveParticipant } from '../../src/restore/participant.ts';

/** What is under test: the machines, and what the runners around them promise. A planted fault changes one of these. */
export interface Rules {
  readonly moveCoordinator: typeof moveCoordinator;
  readonly moveParticipant: typeof moveParticipant;
  /** A request of a coordinator older than the one that is followed is refused. */
  readonly refusesOldEpochs: boolean;
  /** What runs on the host ends before a promise is written. */
  readonly endsWorkBeforePromise: boolean;
  /** A rename counts when its directory is synced. */
  readonly syncsDirectories: boolean;
  /** What an agent that was killed left unsynced is synced before a step is recorded done. */
  readonly sealsFoundSteps: boolean;
  /** etcd starts when both halves of a swap are there. */
  readonly startsWholeDataOnly: boolean;
  /** A step recorded done is passed over. */
  readonly skipsDoneSteps: boolean;
  /** A decision that could not be written down may stand all the same. */
  readonly waitsAfterFailedWrite: boolean;
  /** A host takes part in plans of its own journal only. */
  readonly checksJournalId: boolean;
  readonly chooseSnapshot: typeof chooseSnapshot;
  /** Nothing is staged of a file that was not read and compared with the plan. */
  readonly verifiesSnapshots: boolean;
  /** What was staged is looked at once more: whether it was made of the file that was verified. */
  readonly verifiesAfterUse: boolean;
  /** What a peer sends is compared with what it announced. */
  readonly comparesDownloads: boolean;
}

export const REAL_RULES: Rules = {
  moveCoordinator,
  moveParticipant,
  refusesOldEpochs: true,
  endsWorkBeforePromise: true,
  syncsDirectories: true,
  sealsFoundSteps: true,
  startsWholeDataOnly: true,
  skipsDoneSteps: true,
  waitsAfterFailedWrite: true,
  checksJournalId: true,
  chooseSnapshot,
  verifiesSnapshots: true,
  verifiesAfterUse: true,
  comparesDownloads: true,
};
