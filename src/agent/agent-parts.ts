import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../base/clock.ts';
import type { Backup } from '../backup/take-snapshot.ts';
import type { Config } from '../config/config-schema.ts';
import type { Drills } from '../drill/drills.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { Progress } from '../formats/control.ts';
import type { FenceKeeper } from '../membership/fence-keeper.ts';
import type { Joins } from '../membership/joins.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Log } from '../observe/log.ts';
import type { CallHost } from '../restore/call-host.ts';
import type { LineageStore } from '../restore/lineage-store.ts';
import type { Operations } from '../restore/operations.ts';
import type { Schedule } from '../schedule/start-schedule.ts';
import type { Catalog } from '../snapshot/catalog.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { ListenerState, Monitor } from './monitor-facts.ts';

/** Everything that is open in a running agent. */
export interface AgentParts {
  readonly config: Config;
  readonly configFile: string;
  readonly release: string;
  readonly startedAt: string;
  readonly supervisor: Supervisor;
  readonly etcd: EtcdClient;
  readonly catalog: Catalog;
  readonly lineage: LineageStore;
  readonly audit: AuditLog;
  readonly backup: Backup;
  readonly drills: Drills;
  readonly operations: Operations;
  readonly mesh: Mesh;
  /** How this host stands to the restores that are known. */
  readonly fence: Pick<FenceKeeper, 'view'>;
  readonly joins: Joins;
  /** Reaches every agent, this one included. */
  readonly call: CallHost;
  readonly schedule: Schedule | undefined;
  /** Of drills. */
  readonly drillSchedule: Schedule | undefined;
  /** The snapshot that is being taken now, if any. */
  readonly underWay: { snapshot?: Progress };
  /** Since the agent started: snapshots that were not stored because their proof failed. */
  readonly tally: { failedProofs: number };
  readonly monitor: Monitor;
  /** Of metrics and probes; absent when it is switched off. */
  readonly listener: ListenerState | undefined;
  readonly clock: Clock;
  readonly log: Log;
}
