import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../base/clock.ts';
import type { PassPoint } from '../base/crash-point.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { Log } from '../observe/log.ts';
import type { Catalog } from '../snapshot/catalog.ts';
import type { Prover } from '../snapshot/prover.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { CallHost } from './call-host.ts';
import type { HostIdentity } from './inspect-host.ts';
import type { LineageStore } from './lineage-store.ts';
import type { DownloadFile } from './plan-snapshot-source.ts';
import type { PlanDecision } from '../formats/restore-plan.ts';
import type { HostSettings, Rehearsal } from './steps/host-context.ts';

/** Everything that this host's restores need of the other rooms. */
export interface OperationsOptions {
  readonly stateDir: string;
  readonly host: HostIdentity;
  readonly supervisor: Supervisor;
  readonly etcd: EtcdClient;
  readonly catalog: Catalog;
  readonly prover: Prover;
  readonly lineage: LineageStore;
  readonly audit: AuditLog;
  readonly settings: HostSettings & {
    readonly gateTimeoutMs: number;
    readonly peerGraceMs: number;
  };
  /** Boots the plan's snapshot beside the present etcd, where this host can. */
  readonly rehearsalOf?: (decided: PlanDecision) => Rehearsal;
  readonly call: CallHost;
  readonly download: DownloadFile;
  /** Told of each place at which a crash would leave something else behind. */
  readonly pass?: PassPoint;
  readonly clock: Clock;
  readonly log: Log;
}
