import type { Clock } from '../base/clock.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { Log } from '../observe/log.ts';
import type { Catalog } from '../snapshot/catalog.ts';
import type { Prover } from '../snapshot/prover.ts';

export interface BackupSettings {
  /** This agent's name: it goes into every ID. */
  readonly agent: string;
  readonly memberName: string;
  /** etcd's data dir; the database is `member/snap/db` in it. */
  readonly dataDir: string;
  /** Where etcd has its write-ahead log, when that is not `member/wal` in the data dir. */
  readonly walDir?: string;
  /** How many snapshots of each class stay: see `chooseExpired`. */
  readonly keep: number;
  /** No byte for this long fails a save. There is no limit for the whole. */
  readonly stallMs: number;
  /** A member with more data in use is not asked for its HashKV: it writes nothing while it computes that. */
  readonly compareHashUpToBytes: number;
}

/** Whom a backup works with. */
export interface BackupContext {
  readonly catalog: Catalog;
  /** The local member. */
  readonly etcd: EtcdClient;
  readonly settings: BackupSettings;
  readonly prover: Prover;
  /** False when no process has a file of the data dir open. */
  readonly isMemberRunning: () => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}
