import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/config-schema.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { LinkState } from '../mesh/link-table.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

/** What is looked at, and through whom. Nothing here is changed by looking. */
export interface DoctorSubject {
  readonly config: Config;
  readonly configFile: string;
  /** What is wrong with the file as it is now, line by line; `undefined` when it would be read. */
  readonly configProblem: () => Promise<string | undefined>;
  readonly release: string;
  /** PATH. */
  readonly searchPath: string;
  readonly clock: Clock;
  readonly parseYaml: (text: string, path: string) => unknown;
  readonly etcd: Pick<EtcdClient, 'status' | 'members' | 'range'>;
  /** Why nobody can be asked about etcd's process, where that is so. */
  readonly supervisor:
    Pick<Supervisor, 'state' | 'check' | 'heldBy' | 'fencedBy'> | { readonly unknown: string };
  /** Newest first. */
  readonly snapshots: () => Promise<readonly SnapshotManifest[]>;
  /** From which age the newest proved snapshot is stale; `undefined` where none is due. */
  readonly staleAfterMs: number | undefined;
  /** What only the running agent knows; without it the command looks by itself. */
  readonly agent?: RunningAgent;
  /** Why the agent did not answer, for a command that looks by itself. */
  readonly agentProblem?: string;
}

interface AuditTrouble {
  readonly problem?: string;
  readonly damage?: string;
}

/** The agent as it runs. */
export interface RunningAgent {
  readonly startedAtMs: number;
  readonly links: () => readonly LinkState[];
  /** The time that a peer's clock shows, in milliseconds since the epoch. Throws as `Mesh.request`. */
  readonly clockOf: (peer: string, signal: AbortSignal) => Promise<number>;
  readonly activeOperation: string | undefined;
  /** The audit log: why it cannot be written, and where it is not what the agent wrote. */
  readonly audit: { readonly path: string; readonly head?: { readonly seq: number } } & AuditTrouble;
  /** Why the listener for metrics is not there; `undefined` when it is, or is switched off. */
  readonly listenerProblem: string | undefined;
}

/** `systemctl status etcd.service`, in a hint. */
export function unitWords(config: Config): string {
  return config.supervisor.kind === 'systemd' ? config.supervisor.unit : 'etcd';
}
