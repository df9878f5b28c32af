import type { EtcdConnection } from './connection.ts';
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  MaintenanceService,
  type StatusResponse,
} from './generated/etcdserverpb/maintenance.ts';
import { exactNumber, idToHex, unsignedIdOf } from './wire-numbers.ts';

/** What one member says of itself. Answered by the member alone, without a quorum. */
export interface MemberStatus {
  readonly clusterId: string;
  readonly memberId: string;
  /** Absent while the member knows no leader. */
  readonly leaderId: string | undefined;
  readonly revision: number;
  readonly raftTerm: number;
  /** The member's committed index. */
  readonly raftIndex: number;
  readonly version: string;
  /** The file's size, free pages included. */
  readonly dbSizeBytes: number;
  readonly dbSizeInUseBytes: number;
  readonly isLearner: boolean;
  /** etcd's words: no leader, and every alarm. */
  readonly errors: readonly string[];
}

type AlarmName = 'NOSPACE' | 'CORRUPT';

export interface MemberAlarm {
  readonly memberId: string;
  readonly alarm: AlarmName;
}

export interface KeyValueHash {
  readonly hash: number;
  /** -1 when nothing was compacted yet. */
  readonly compactRevision: number;
  /** The revision that was hashed up to. Absent before etcd 3.6, which does not say. */
  readonly hashRevision?: number;
}

export interface MaintenanceCalls {
  status(signal: AbortSignal): Promise<MemberStatus>;
  /** Alarms of the whole cluster. Goes through consensus: it needs a quorum. */
  alarms(signal: AbortSignal): Promise<MemberAlarm[]>;
  /** Resolves also when the alarm was not raised. */
  disarmAlarm(alarm: MemberAlarm, signal: AbortSignal): Promise<void>;
  /**
   * The hash of this member's keys up to `revision` (0: its latest). Reads the whole history without a deadline.
   *
   * @throws {AgentError} `ETCD_COMPACTED`; `ETCD_REFUSED` for a revision of the future.
   */
  hashKv(revision: number, signal: AbortSignal): Promise<KeyValueHash>;
  /** Rewrites this member's database file, which answers nothing meanwhile; no deadline, and an abort does not stop etcd. */
  defragment(signal: AbortSignal): Promise<void>;
}

export function maintenanceCalls(connection: EtcdConnection): MaintenanceCalls {
  return {
    status: async (signal) =>
      statusOf(
        await connection.unary(
          MaintenanceService.status,
          {},
          { signal, deadline: 'request', authenticate: 'when-asked' },
        ),
      ),
    alarms: async (signal) => {
      const answer = await connection.unary(
        MaintenanceService.alarm,
        { action: AlarmRequest_AlarmAction.GET, memberID: 0n, alarm: AlarmType.NONE },
        { signal, deadline: 'request' },
      );
      return answer.alarms.map(({ memberID, alarm }) => ({
        memberId: idToHex(memberID),
        alarm: alarmName(alarm),
      }));
    },
    disarmAlarm: async ({ memberId, alarm }, signal) => {
      await connection.unary(
        MaintenanceService.alarm,
        {
          action: AlarmRequest_AlarmAction.DEACTIVATE,
          memberID: unsignedIdOf(memberId),
          alarm: AlarmType[alarm],
        },
        { signal, deadline: 'request' },
      );
    },
    hashKv: async (revision, signal) => {
      const answer = await connection.unary(
        MaintenanceService.hashKv,
        { revision: BigInt(revision) },
        { signal, deadline: 'none' },
      );
      return {
        hash: answer.hash,
        compactRevision: exactNumber(answer.compactRevision, 'the compact revision'),
        ...(answer.hashRevision === 0n
          ? {}
          : { hashRevision: exactNumber(answer.hashRevision, 'the hash revision') }),
      };
    },
    defragment: async (signal) => {
      await connection.unary(MaintenanceService.defragment, {}, { signal, deadline: 'none' });
    },
  };
}

function statusOf(answer: StatusResponse): MemberStatus {
  return {
    clusterId: idToHex(answer.header?.clusterId ?? 0n),
    memberId: idToHex(answer.header?.memberId ?? 0n),
    leaderId: answer.leader === 0n ? undefined : idToHex(answer.leader),
    revision: exactNumber(answer.header?.revision ?? 0n, 'the revision'),
    raftTerm: exactNumber(answer.raftTerm, 'the raft term'),
    raftIndex: exactNumber(answer.raftIndex, 'the raft index'),
    version: answer.version,
    dbSizeBytes: exactNumber(answer.dbSize, 'the database size'),
    dbSizeInUseBytes: exactNumber(answer.dbSizeInUse, 'the database size in use'),
    isLearner: answer.isLearner,
    errors: answer.errors,
  };
}

function alarmName(alarm: AlarmType): AlarmName {
  // etcd has these two. One that a later etcd adds is at least as bad as the worse of them.
  return alarm === AlarmType.NOSPACE ? 'NOSPACE' : 'CORRUPT';
}
