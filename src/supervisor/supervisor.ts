import type { Clock } from '../base/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Fence } from './hold-file.ts';

/** What the supervisor knows of the local etcd. */
export interface EtcdState {
  /** `starting` also stands for the wait between two restarts; `failed` means that it ended by itself and stays down. */
  readonly state: 'running' | 'starting' | 'stopped' | 'failed';
  readonly pid?: number;
  /** Its last log lines, or what the service manager says. */
  readonly detail?: string;
  /** ISO 8601, UTC. */
  readonly startedAt?: string;
}

/** Whether there is an etcd process: a wait between two restarts is none, however `starting` it is called. */
export function hasProcess({ state, pid }: EtcdState): boolean {
  return state === 'running' || (state === 'starting' && pid !== undefined);
}

/**
 * Starts, stops and sees the etcd of this host, whoever runs it. Every implementation passes
 * test/contract/supervisor-contract.ts. Calls on one object run one after the other.
 */
export interface Supervisor {
  readonly kind: 'systemd' | 'process' | 'command';

  /** Looks only. @throws {AgentError} `SUPERVISOR_FAILED` when it cannot be asked. */
  state(signal: AbortSignal): Promise<EtcdState>;

  /**
   * Asks etcd to stop, and resolves when it is seen stopped: no process has a file below the data or WAL
   * directory open. Also when it was stopped before. Where the supervisor restarts etcd by itself, it stays stopped.
   *
   * @throws {AgentError} `ETCD_STILL_RUNNING` with the ids of the processes that remain; `SUPERVISOR_FAILED`.
   */
  stop(signal: AbortSignal): Promise<void>;

  /**
   * Starts etcd and resolves when its process exists and did not end at once; quorum is not waited for.
   * A hold stays in place: what lets this one start through is void when it resolves or rejects, and after a reboot. Does nothing
   * when etcd runs.
   *
   * @throws {AgentError} `ETCD_START_FAILED` with etcd's own last lines; without a hold, the supervisor's own
   *   restart policy then goes on. `ETCD_STILL_RUNNING`, `SUPERVISOR_FAILED`.
   */
  start(signal: AbortSignal): Promise<void>;

  /**
   * From when this resolves, nobody but `start` can start etcd, across crashes and reboots, until `release`. A
   * running etcd goes on. Takes over the hold of an older operation.
   *
   * @throws {AgentError} `HOLD_UNSUPPORTED` when etcd would start all the same; nothing was written then.
   */
  hold(operation: string, signal: AbortSignal): Promise<void>;

  /** Removes the hold, if there is one. Starts nothing. A fence stays. */
  release(signal: AbortSignal): Promise<void>;

  /** The operation that holds, `unknown` for a hold file that is not ours, or `undefined`. */
  heldBy(): Promise<string | undefined>;

  /**
   * Forbids every start but our own as a hold does, for a member that is to stay stopped outside of operations, until
   * `liftFence`. Holds and releases leave it alone, and it leaves them alone. A running etcd goes on.
   *
   * @throws {AgentError} `HOLD_UNSUPPORTED` when etcd would start all the same; nothing was written then.
   */
  fence(fence: Fence, signal: AbortSignal): Promise<void>;

  /** Removes the fence, if there is one. Starts nothing. A hold stays. */
  liftFence(signal: AbortSignal): Promise<void>;

  fencedBy(): Promise<Fence | undefined>;

  /**
   * Whether the calls above are possible at all. Changes nothing.
   *
   * @throws {AgentError} `HOLD_UNSUPPORTED`, `SUPERVISOR_FAILED`, `SUPERVISOR_FORBIDDEN`, `PROCESSES_HIDDEN`.
   */
  check(signal: AbortSignal): Promise<void>;

  /** Lets go. The hold stays, and so does etcd unless `onAgentStop` says otherwise. */
  close(): Promise<void>;
}

/** Whom every implementation asks. */
export interface SupervisorContext {
  readonly clock: Clock;
  readonly log: Log;
}

/** What every implementation is told. Paths are absolute. */
export interface CommonSupervisorOptions {
  /** Exists while nobody but the agent may start etcd. */
  readonly holdFile: string;
  readonly dataDir: string;
  readonly walDir?: string;
  /** How long a started etcd is watched before `start` believes in it. */
  readonly settleMs?: number;
}

export const DEFAULT_SETTLE_MS = 1000;

/** The directories that nobody may use when etcd is stopped. */
export function directoriesOf(options: CommonSupervisorOptions): string[] {
  return options.walDir === undefined ? [options.dataDir] : [options.dataDir, options.walDir];
}
