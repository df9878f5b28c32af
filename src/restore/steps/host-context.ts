import type { HookCommand } from '../../base/run-hook.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../observe/log.ts';
import type { HookName } from '../../formats/restore-journal.ts';
import {
  isUndo,
  type RestoreHost,
  type RestorePlan,
  type UndoHost,
  type UndoPlan,
} from '../../formats/restore-plan.ts';
import type { Prover } from '../../snapshot/prover.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { HostLayout } from '../layout.ts';
import type { OnStepBytes } from './step.ts';

/** Where this host gets the plan's snapshot from. */
export interface SnapshotSource {
  /** The path of the plan's snapshot when this host holds it. Looks at size and manifest only. */
  locate(): Promise<string | undefined>;
  /** Brings it here from one of `holders`, resumed where an earlier try ended; its SHA-256 is compared on the way. */
  fetch(signal: AbortSignal, onBytes: OnStepBytes): Promise<void>;
  /** Keeps it from being deleted until disposed of. */
  use(): Disposable;
  /** Proves the file as `Catalog.verify` does, and compares its SHA-256 with the plan's. */
  verify(signal: AbortSignal, onBytes: OnStepBytes): Promise<void>;
  /**
   * Once the restore tool has read the file: it is still the one that `verify` proved. Without a trailer, which the tool compares
   * itself, all of it is read again.
   *
   * @throws {AgentError} `SNAPSHOT_HASH_MISMATCH`, and as `verify` does.
   */
  verifyAfterUse(signal: AbortSignal, onBytes: OnStepBytes): Promise<void>;
}

/** A throw-away etcd of this host that is restored from the plan's snapshot, asked what it serves, and removed again. */
export interface Rehearsal {
  /** Whether the snapshot has booted here already. */
  isDone(): Promise<boolean>;
  /** @throws {AgentError} when etcd does not serve it as it should, or when that could not be tried. */
  run(signal: AbortSignal, onBytes: OnStepBytes): Promise<void>;
}

/** Everything a step may use, on one host, for one operation. */
export type HostContext = RestoringHost | UndoingHost;

/** What it may use whatever the operation does. */
interface OperatedHost {
  readonly layout: HostLayout;
  readonly supervisor: Supervisor;
  /** Resolves when it is this host's turn in the stop of all. Without it, that is at once. */
  readonly turnToStop?: (signal: AbortSignal) => Promise<void>;
  readonly prover: Pick<Prover, 'readFacts' | 'proveKeyspace'>;
  readonly settings: HostSettings;
  /** The value of PATH, where the restore tool is looked for. */
  readonly searchPath: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called by the finish: the cluster that came out, for the lineage of later snapshots. */
  recordGeneration(): Promise<void>;
}

export interface RestoringHost extends OperatedHost {
  readonly plan: RestorePlan;
  readonly host: RestoreHost;
  readonly snapshot: SnapshotSource;
  readonly rehearsal?: Rehearsal;
}

export interface UndoingHost extends OperatedHost {
  readonly plan: UndoPlan;
  readonly host: UndoHost;
}

export function isUndoing(context: HostContext): context is UndoingHost {
  return isUndo(context.plan);
}

export interface HostSettings {
  readonly toolStallMs: number;
  /** What the configuration wants run on this host beside the steps. */
  readonly hooks?: Readonly<Partial<Record<HookName, HookCommand>>>;
  /** `user:group` for a data dir that does not exist yet. */
  readonly newDataDirOwner?: string;
}
