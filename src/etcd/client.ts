import { clusterCalls, type ClusterCalls } from './cluster.ts';
import type { EtcdConnectionOptions } from './connection-options.ts';
import { EtcdConnection } from './connection.ts';
import { keyValueCalls, type KeyValueCalls } from './key-value.ts';
import { leaseCalls, type LeaseCalls } from './lease.ts';
import { maintenanceCalls, type MaintenanceCalls } from './maintenance.ts';
import { openSnapshotStream, type SnapshotStream } from './snapshot-stream.ts';
import { holdsV2Keys } from './v2-store.ts';

/**
 * One etcd member, 3.4 or newer. Every call throws `AgentError`: `ETCD_UNREACHABLE`, `ETCD_TIMEOUT`, `ETCD_AUTH_FAILED`,
 * `ETCD_REFUSED`, `CANCELLED` by its signal, and what the call itself names.
 */
export interface EtcdClient extends MaintenanceCalls, ClusterCalls, KeyValueCalls, LeaseCalls {
  snapshot(signal: AbortSignal): SnapshotStream;
  /** See `holdsV2Keys`, also for what it throws. */
  holdsV2Keys(signal: AbortSignal): Promise<boolean>;
  /** Calls and streams under way end by themselves; new calls fail with `CANCELLED`. */
  close(): void;
}

/** Dials nothing before the first call, and again whenever the connection was lost. */
export function connectEtcd(options: EtcdConnectionOptions): EtcdClient {
  const connection = new EtcdConnection(options);
  return {
    ...maintenanceCalls(connection),
    ...clusterCalls(connection),
    ...keyValueCalls(connection),
    ...leaseCalls(connection),
    snapshot: (signal) => openSnapshotStream(connection, signal),
    holdsV2Keys: (signal) => holdsV2Keys(options, signal),
    close: () => {
      connection.close();
    },
  };
}
