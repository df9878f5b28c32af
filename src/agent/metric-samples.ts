import { operationPhase } from '../formats/restore-journal.ts';
import type { AgentStatus } from '../formats/control.ts';
import { sample, type Sample } from '../observe/metrics.ts';
import type { MonitorFacts } from './monitor-facts.ts';

const RUN_OUTCOMES = ['done', 'skipped', 'failed', 'interrupted'] as const;

/** `lifeboat status` and what is watched beside it, in the words of Prometheus. What is not known has no sample. */
export function metricSamples(status: AgentStatus, facts: MonitorFacts): Sample[] {
  return [
    ...agentSamples(status),
    ...snapshotSamples(status, facts),
    ...scheduleSamples('etcd_lifeboat_schedule', status.schedule),
    ...drillSamples(status, facts),
    ...etcdSamples(status.etcd),
    ...peerSamples(status.peers),
    ...restoreSamples(status, facts),
    ...hostSamples(facts),
  ];
}

function agentSamples({ release, checks = [] }: AgentStatus): Sample[] {
  const ready = checks.every(({ passed }) => passed);
  return [
    sample('etcd_lifeboat_build_info', 1, { version: release, node_version: process.versions.node }),
    sample('etcd_lifeboat_ready', ready),
    ...checks.map(({ check, passed }) => sample('etcd_lifeboat_check_passed', passed, { check })),
  ];
}

function snapshotSamples({ snapshots }: AgentStatus, facts: MonitorFacts): Sample[] {
  const { grades = {}, newestProved, running, totalBytes } = snapshots;
  const { failedProofs, staleAfterSeconds } = facts;
  return [
    ...Object.entries(grades).map(([grade, count]) => sample('etcd_lifeboat_snapshots', count, { grade })),
    sample('etcd_lifeboat_snapshots_bytes', totalBytes),
    sample('etcd_lifeboat_snapshot_running', running !== undefined),
    sample('etcd_lifeboat_failed_proofs_total', failedProofs.new, { snapshot: 'new' }),
    sample('etcd_lifeboat_failed_proofs_total', failedProofs.stored, { snapshot: 'stored' }),
    ...(staleAfterSeconds === undefined
      ? []
      : [sample('etcd_lifeboat_snapshot_stale_after_seconds', staleAfterSeconds)]),
    ...(newestProved === undefined
      ? []
      : [
          sample('etcd_lifeboat_newest_proved_snapshot_timestamp_seconds', seconds(newestProved.takenAt)),
          sample('etcd_lifeboat_newest_proved_snapshot_size_bytes', newestProved.sizeBytes),
          sample('etcd_lifeboat_newest_proved_snapshot_revision', newestProved.revision),
        ]),
  ];
}

function drillSamples(
  { snapshots, drills }: AgentStatus,
  { drillStaleAfterSeconds }: MonitorFacts,
): Sample[] {
  const { newestBooted } = snapshots;
  return [
    sample('etcd_lifeboat_drill_running', drills?.running === true),
    ...(newestBooted === undefined
      ? []
      : [
          sample(
            'etcd_lifeboat_drill_newest_booted_snapshot_timestamp_seconds',
            seconds(newestBooted.takenAt),
          ),
        ]),
    ...(drillStaleAfterSeconds === undefined
      ? []
      : [sample('etcd_lifeboat_drill_stale_after_seconds', drillStaleAfterSeconds)]),
    ...scheduleSamples('etcd_lifeboat_drill', drills?.schedule),
  ];
}

/** The two schedules tell the same of themselves. */
type ScheduleMetrics = 'etcd_lifeboat_schedule' | 'etcd_lifeboat_drill';

function scheduleSamples(metrics: ScheduleMetrics, schedule: AgentStatus['schedule']): Sample[] {
  if (schedule === undefined) return [];
  const { counts = {}, dropped, last, missed, next } = schedule;
  return [
    ...RUN_OUTCOMES.map((outcome) => sample(`${metrics}_runs_total`, counts[outcome] ?? 0, { outcome })),
    sample(`${metrics}_runs_missed_total`, missed),
    sample(`${metrics}_runs_dropped_total`, dropped),
    ...(next === undefined ? [] : [sample(`${metrics}_next_run_timestamp_seconds`, seconds(next))]),
    ...(last === undefined ? [] : lastRunSamples(metrics, last)),
  ];
}

function lastRunSamples(
  metrics: ScheduleMetrics,
  last: NonNullable<NonNullable<AgentStatus['schedule']>['last']>,
): Sample[] {
  const { endedAt, outcome: ended, startedAt } = last;
  const durationSeconds = startedAt === undefined ? undefined : seconds(endedAt) - seconds(startedAt);
  return [
    sample(`${metrics}_last_run_timestamp_seconds`, seconds(endedAt)),
    ...(durationSeconds === undefined
      ? []
      : [sample(`${metrics}_last_run_duration_seconds`, durationSeconds)]),
    ...RUN_OUTCOMES.map((outcome) => sample(`${metrics}_last_run_outcome`, outcome === ended, { outcome })),
  ];
}

function etcdSamples(etcd: AgentStatus['etcd']): Sample[] {
  const { clusterId, dbSizeBytes, hasQuorum, leaderId, memberId, process: state, revision, version } = etcd;
  const isLearner = etcd.isLearner === true;
  const answers =
    version === undefined || clusterId === undefined || memberId === undefined
      ? undefined
      : { version, cluster_id: clusterId, member_id: memberId };
  return [
    sample('etcd_lifeboat_etcd_up', answers !== undefined),
    sample('etcd_lifeboat_etcd_process_running', state === 'running'),
    ...(isLearner ? [] : [sample('etcd_lifeboat_etcd_has_quorum', hasQuorum)]),
    sample('etcd_lifeboat_etcd_is_learner', isLearner),
    sample('etcd_lifeboat_etcd_has_leader', leaderId !== undefined),
    sample('etcd_lifeboat_etcd_is_leader', leaderId !== undefined && leaderId === memberId),
    ...(answers === undefined ? [] : [sample('etcd_lifeboat_etcd_info', 1, answers)]),
    ...(revision === undefined ? [] : [sample('etcd_lifeboat_etcd_revision', revision)]),
    ...(dbSizeBytes === undefined ? [] : [sample('etcd_lifeboat_etcd_database_size_bytes', dbSizeBytes)]),
  ];
}

function peerSamples(peers: AgentStatus['peers']): Sample[] {
  return [
    sample('etcd_lifeboat_peers', peers.length),
    ...peers.map(({ name, state }) =>
      sample('etcd_lifeboat_peer_connected', state === 'connected', { peer: name }),
    ),
  ];
}

function restoreSamples({ etcd, fence }: AgentStatus, { operation, audit }: MonitorFacts): Sample[] {
  const { problem, damage } = audit.state;
  return [
    ...operationPhase.options.map((phase) =>
      sample('etcd_lifeboat_operation_phase', phase === operation?.phase, { phase }),
    ),
    ...(operation === undefined
      ? []
      : [sample('etcd_lifeboat_operation_start_timestamp_seconds', seconds(operation.startedAt))]),
    ...Object.entries(audit.counts.restores).map(([outcome, count]) =>
      sample('etcd_lifeboat_restores_total', count, { outcome }),
    ),
    ...Object.entries(audit.counts.hooks).flatMap(([hook, outcomes]) =>
      Object.entries(outcomes).map(([outcome, count]) =>
        sample('etcd_lifeboat_hooks_total', count, { hook, outcome }),
      ),
    ),
    sample('etcd_lifeboat_audit_log_sound', problem === undefined && damage === undefined),
    sample('etcd_lifeboat_hold', etcd.heldBy !== undefined),
    sample('etcd_lifeboat_fenced', fence !== undefined && fence.state !== 'fork'),
    sample('etcd_lifeboat_fork', fence?.state === 'fork'),
  ];
}

function hostSamples({ certificates, fileSystems }: MonitorFacts): Sample[] {
  return [
    ...Object.entries(fileSystems).flatMap(([directory, { freeBytes, sizeBytes }]) => [
      sample('etcd_lifeboat_filesystem_free_bytes', freeBytes, { directory }),
      sample('etcd_lifeboat_filesystem_size_bytes', sizeBytes, { directory }),
    ]),
    ...certificates.flatMap(({ certificate, expiresAtMs }) =>
      expiresAtMs === undefined
        ? []
        : [sample('etcd_lifeboat_certificate_expiry_timestamp_seconds', expiresAtMs / 1000, { certificate })],
    ),
  ];
}

function seconds(isoTime: string): number {
  return Date.parse(isoTime) / 1000;
}
