import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { isPlannedFile } from '../../src/restore/planned-file.ts';
import { CallFailed } from './accidents.ts';
import { stepOn, type Signal, type SimulatedStep, type StepContext } from './simulated-step.ts';
import type { SimulatedSnapshots } from './simulated-snapshots.ts';

/** Where a host gets the plan's snapshot from, and what its agent knows of it while its process runs. */
export interface SnapshotPlace {
  readonly host: string;
  readonly plan: RestorePlan;
  /** The disk of a holder, while its agent can be reached. */
  readonly reach: (holder: string) => SimulatedSnapshots | undefined;
  /** The SHA-256 of a file that came from a peer was compared on its way. */
  arrivedVerified: boolean;
  verifiedFile: number | undefined;
}

/** From the snapshot to a staged member directory, as `restore/steps/prepare.ts` and the plan's source do. */
export function prepareSteps(context: StepContext): SimulatedStep[] {
  return [fetchSnapshot(context), verifySnapshot(context), stage(context)];
}

function fetchSnapshot(context: StepContext): SimulatedStep {
  const { machine, place } = context;
  const { snapshot } = place.plan.decided;
  return stepOn(context, {
    name: 'fetch-snapshot',
    isDone: () => machine.snapshots.locate(snapshot) !== undefined,
    *run(signal) {
      yield* fetchFromHolders(context, signal);
      place.verifiedFile = machine.snapshots.get(snapshot.id)?.file;
      place.arrivedVerified = true;
    },
  });
}

function* fetchFromHolders(
  { machine, place, comparesDownloads }: StepContext,
  signal: Signal,
): Generator<undefined, void, undefined> {
  const { snapshot, holders } = place.plan.decided;
  for (const holder of holders.filter((each) => each !== place.host)) {
    yield;
    if (signal.aborted) throw new CallFailed('CANCELLED', 'fetch-snapshot');
    const theirs = place.reach(holder);
    const copy = theirs?.get(snapshot.id);
    if (theirs === undefined || copy === undefined || !isPlannedFile(copy.manifest, snapshot)) continue;
    const bytes = theirs.serve(copy);
    if (!comparesDownloads || bytes.sha256 === snapshot.sha256) {
      machine.snapshots.store(copy.manifest, bytes);
      return;
    }
    // The holder reads its own again, so that a damaged one is offered to nobody any more.
    verifiedAt(theirs, snapshot.id);
  }
  throw new CallFailed('SNAPSHOT_UNKNOWN', `no sound ${snapshot.id} can be had`);
}

function verifiedAt(theirs: SimulatedSnapshots, id: string): void {
  try {
    theirs.verify(id);
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
  }
}

function verifySnapshot(context: StepContext): SimulatedStep {
  const { machine, place, verifiesSnapshots } = context;
  let verified = !verifiesSnapshots;
  return stepOn(context, {
    name: 'verify-snapshot',
    askAgain: true,
    isDone: () => verified || isStaged(context),
    *run() {
      yield;
      verified = true;
      if (place.arrivedVerified) return;
      const { id } = place.plan.decided.snapshot;
      const file = machine.snapshots.get(id)?.file;
      prove(context);
      place.verifiedFile = file;
    },
  });
}

/** @throws {CallFailed} for a file that is not what it should be. */
function prove({ machine, place }: StepContext): void {
  const { snapshot } = place.plan.decided;
  if (isPlannedFile(machine.snapshots.verify(snapshot.id), snapshot)) return;
  throw new CallFailed('SNAPSHOT_HASH_MISMATCH', `${snapshot.id} is not the one of the plan`);
}

function isStaged({ machine }: StepContext): boolean {
  return machine.directories.has('staged.json');
}

function stage(context: StepContext): SimulatedStep {
  const { machine } = context;
  const { directories, options } = machine;
  return stepOn(context, {
    name: 'stage',
    isDone: () => isStaged(context),
    *run(signal) {
      yield;
      if (signal.aborted) throw new CallFailed('CANCELLED', 'stage');
      restoreIntoStaging(context);
      directories.put('staged-member', 'new');
      if (options.separateWal) directories.put('staged-wal', 'new');
      directories.sync();
      yield;
      verifyAfterUse(context);
      directories.put('staged.json', 'mark');
      directories.sync();
    },
  });
}

/** The restore tool compares a trailer; the revision that came out is read back. */
function restoreIntoStaging({ machine, place }: StepContext): void {
  const { snapshot } = place.plan.decided;
  const copy = machine.snapshots.locate(snapshot);
  if (copy === undefined) throw new CallFailed('SNAPSHOT_UNKNOWN', `${snapshot.id} is gone`);
  const { bytes, manifest } = copy;
  if (snapshot.hasTrailer && !bytes.trailerFits)
    throw new CallFailed('RESTORE_TOOL_FAILED', 'expected sha256 is another one');
  if (bytes.revision !== snapshot.revision)
    throw new CallFailed('SNAPSHOT_DAMAGED', `the staged database is at revision ${bytes.revision}`);
  machine.built = { sha256: bytes.sha256, grade: manifest.grade };
}

function verifyAfterUse(context: StepContext): void {
  const { machine, place, verifiesAfterUse, verifiesSnapshots } = context;
  if (!verifiesAfterUse || !verifiesSnapshots) return;
  const { id, hasTrailer } = place.plan.decided.snapshot;
  if (machine.snapshots.get(id)?.file !== place.verifiedFile)
    throw new CallFailed('SNAPSHOT_HASH_MISMATCH', `another file took the place of ${id}`);
  if (!hasTrailer) prove(context);
}
