import type { Clock } from '../base/clock.ts';
import type { EtcdAuth } from '../etcd/connection-options.ts';
import type { Progress } from '../formats/control.ts';
import type { Log } from '../observe/log.ts';
import type { EtcdLaunch } from '../restore/etcd-to-run.ts';
import type { Catalog } from '../snapshot/catalog.ts';
import type { Prover } from '../snapshot/prover.ts';

/** Everything that a drill on this host needs of the other rooms. */
export interface DrillContext {
  readonly catalog: Catalog;
  readonly prover: Pick<Prover, 'proveKeyspace'>;
  readonly agent: string;
  /** Which etcd this host runs. */
  readonly launch: EtcdLaunch;
  /** The restore tool that the operator named. */
  readonly toolPath?: string;
  /** For snapshots with authentication on. */
  readonly auth?: EtcdAuth;
  /** What the member says that it is; `undefined` while it does not answer. */
  readonly runningVersion: (signal: AbortSignal) => Promise<string | undefined>;
  /** A tool or an etcd that does nothing for this long is given up. There is no limit for the whole. */
  readonly stallMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Called as a drill goes on. */
export type OnDrillProgress = (progress: Pick<Progress, 'phase' | 'bytes' | 'totalBytes'>) => void;
