/** One family of `/metrics`. */
export interface MetricDefinition {
  readonly type: 'gauge' | 'counter';
  /** What Prometheus shows, and docs/metrics.md too: one sentence, with the source of what outlives a restart. */
  readonly help: string;
  /** Every label is bounded by the configuration or by a closed list of words. */
  readonly labels?: readonly string[];
}

/**
 * Everything that the agent exports. Names are public, as rules and dashboards of others hold them: add freely, never
 * rename one or give it another meaning. Times are Unix timestamps, so that PromQL computes ages at its own clock.
 */
export const METRICS = {
  // The agent
  etcd_lifeboat_build_info: {
    type: 'gauge',
    help: 'Always 1. The release of the agent, and the Node.js that runs it.',
    labels: ['version', 'node_version'],
  },
  etcd_lifeboat_ready: {
    type: 'gauge',
    help: '1 when every check of /readyz passes: this host could restore its cluster now.',
  },
  etcd_lifeboat_check_passed: {
    type: 'gauge',
    help: '1 when this check of /readyz passes.',
    labels: ['check'],
  },

  // Snapshots
  etcd_lifeboat_newest_proved_snapshot_timestamp_seconds: {
    type: 'gauge',
    help: 'When the newest proved snapshot of this host was taken. Absent while there is none.',
  },
  etcd_lifeboat_newest_proved_snapshot_size_bytes: {
    type: 'gauge',
    help: 'The size of the newest proved snapshot.',
  },
  etcd_lifeboat_newest_proved_snapshot_revision: {
    type: 'gauge',
    help: "The etcd revision of the newest proved snapshot. What the member's revision is ahead would be lost.",
  },
  etcd_lifeboat_snapshot_stale_after_seconds: {
    type: 'gauge',
    help: 'The age from which the newest proved snapshot is stale: monitoring.snapshotMaxAgeSeconds, else by the schedule. Absent without both.',
  },
  etcd_lifeboat_snapshots: {
    type: 'gauge',
    help: 'Snapshots stored on this host, by what was proved of them. unreadable: the manifest cannot be read.',
    labels: ['grade'],
  },
  etcd_lifeboat_snapshots_bytes: {
    type: 'gauge',
    help: 'Bytes of all snapshots stored on this host.',
  },
  etcd_lifeboat_snapshot_running: {
    type: 'gauge',
    help: '1 while a snapshot is being taken, by schedule or by command.',
  },
  etcd_lifeboat_failed_proofs_total: {
    type: 'counter',
    help: 'Proofs that failed since the agent started. new: of a snapshot being taken, which was not stored. stored: of a stored one, whose grade is failed now.',
    labels: ['snapshot'],
  },

  // Schedule
  etcd_lifeboat_schedule_runs_total: {
    type: 'counter',
    help: 'Scheduled runs by how they ended, over restarts (schedule.json). skipped: nothing had changed, or a restore was under way.',
    labels: ['outcome'],
  },
  etcd_lifeboat_schedule_runs_missed_total: {
    type: 'counter',
    help: 'Due times at which nobody could run (the agent was down or busy, or the clock jumped), over restarts (schedule.json).',
  },
  etcd_lifeboat_schedule_runs_dropped_total: {
    type: 'counter',
    help: 'Due times that passed while the run before still went on, over restarts (schedule.json).',
  },
  etcd_lifeboat_schedule_next_run_timestamp_seconds: {
    type: 'gauge',
    help: 'When the next scheduled run is due. Absent without a schedule.',
  },
  etcd_lifeboat_schedule_last_run_timestamp_seconds: {
    type: 'gauge',
    help: 'When the last scheduled run ended, over restarts (schedule.json).',
  },
  etcd_lifeboat_schedule_last_run_duration_seconds: {
    type: 'gauge',
    help: 'How long the last scheduled run took.',
  },
  etcd_lifeboat_schedule_last_run_outcome: {
    type: 'gauge',
    help: '1 for how the last scheduled run ended, 0 for the other outcomes.',
    labels: ['outcome'],
  },

  // Drills
  etcd_lifeboat_drill_newest_booted_snapshot_timestamp_seconds: {
    type: 'gauge',
    help: 'When the newest snapshot of this host that has booted in a drill or a rehearsal was taken. Absent while there is none.',
  },
  etcd_lifeboat_drill_stale_after_seconds: {
    type: 'gauge',
    help: 'By how much the newest proved snapshot may be newer than the newest booted one: twice the longest wait of drill.schedule. Absent without it.',
  },
  etcd_lifeboat_drill_running: {
    type: 'gauge',
    help: '1 while a snapshot is booted on a throw-away etcd of this host, by schedule, by command or for a restore.',
  },
  etcd_lifeboat_drill_runs_total: {
    type: 'counter',
    help: 'Scheduled drills by how they ended, over restarts (drill-schedule.json). skipped: the newest proved snapshot had booted already, or a restore was under way.',
    labels: ['outcome'],
  },
  etcd_lifeboat_drill_runs_missed_total: {
    type: 'counter',
    help: 'Due times of drills at which nobody could run, over restarts (drill-schedule.json).',
  },
  etcd_lifeboat_drill_runs_dropped_total: {
    type: 'counter',
    help: 'Due times of drills that passed while the one before still went on, over restarts (drill-schedule.json).',
  },
  etcd_lifeboat_drill_next_run_timestamp_seconds: {
    type: 'gauge',
    help: 'When the next scheduled drill is due. Absent without drill.schedule.',
  },
  etcd_lifeboat_drill_last_run_timestamp_seconds: {
    type: 'gauge',
    help: 'When the last scheduled drill ended, over restarts (drill-schedule.json).',
  },
  etcd_lifeboat_drill_last_run_duration_seconds: {
    type: 'gauge',
    help: 'How long the last scheduled drill took.',
  },
  etcd_lifeboat_drill_last_run_outcome: {
    type: 'gauge',
    help: '1 for how the last scheduled drill ended, 0 for the other outcomes.',
    labels: ['outcome'],
  },

  // etcd
  etcd_lifeboat_etcd_up: {
    type: 'gauge',
    help: '1 when the member of this host answers the agent.',
  },
  etcd_lifeboat_etcd_process_running: {
    type: 'gauge',
    help: '1 when the supervisor says that the etcd process runs.',
  },
  etcd_lifeboat_etcd_has_quorum: {
    type: 'gauge',
    help: '1 when a linearizable read through the member came back. Absent for a learner, which cannot be asked.',
  },
  etcd_lifeboat_etcd_is_learner: {
    type: 'gauge',
    help: '1 when the member says that it is a learner.',
  },
  etcd_lifeboat_etcd_has_leader: {
    type: 'gauge',
    help: '1 when the member knows a leader.',
  },
  etcd_lifeboat_etcd_is_leader: {
    type: 'gauge',
    help: '1 when the member is the leader.',
  },
  etcd_lifeboat_etcd_revision: {
    type: 'gauge',
    help: 'The revision of the member. Absent while it does not answer.',
  },
  etcd_lifeboat_etcd_database_size_bytes: {
    type: 'gauge',
    help: 'The size of the database of the member. Absent while it does not answer.',
  },
  etcd_lifeboat_etcd_info: {
    type: 'gauge',
    help: 'Always 1, while the member answers. The cluster ID changes with each restore.',
    labels: ['version', 'cluster_id', 'member_id'],
  },

  // Peers
  etcd_lifeboat_peers: {
    type: 'gauge',
    help: 'Peers in the configuration of this agent.',
  },
  etcd_lifeboat_peer_connected: {
    type: 'gauge',
    help: '1 while there is a link to the agent of this peer.',
    labels: ['peer'],
  },

  // Restores
  etcd_lifeboat_operation_phase: {
    type: 'gauge',
    help: '1 for the phase of the restore that binds this host or is stuck, 0 for the others. All 0: there is none.',
    labels: ['phase'],
  },
  etcd_lifeboat_operation_start_timestamp_seconds: {
    type: 'gauge',
    help: 'When the restore that binds this host, or is stuck, began. Absent while there is none.',
  },
  etcd_lifeboat_restores_total: {
    type: 'counter',
    help: 'Restores that this host took part in by how they ended, over restarts (audit.jsonl).',
    labels: ['outcome'],
  },
  etcd_lifeboat_hooks_total: {
    type: 'counter',
    help: 'Commands of `restore.preStop`, `restore.postRestore` and `restore.onFailure` by how they ended here, over restarts (audit.jsonl).',
    labels: ['hook', 'outcome'],
  },
  etcd_lifeboat_audit_log_sound: {
    type: 'gauge',
    help: '1 while the audit log can be written and is what the agent wrote, as far as it has read it.',
  },
  etcd_lifeboat_hold: {
    type: 'gauge',
    help: '1 while the hold of a restore keeps everything but the agent from starting etcd.',
  },
  etcd_lifeboat_fenced: {
    type: 'gauge',
    help: '1 while the member of this host is kept stopped because a restore superseded it, until it has rejoined.',
  },
  etcd_lifeboat_fork: {
    type: 'gauge',
    help: '1 when several restores are known that began at the cluster of this host: nobody is fenced.',
  },

  // The host
  etcd_lifeboat_filesystem_free_bytes: {
    type: 'gauge',
    help: 'Bytes that the agent may still write on the file system of this directory.',
    labels: ['directory'],
  },
  etcd_lifeboat_filesystem_size_bytes: {
    type: 'gauge',
    help: 'The size of the file system of this directory.',
    labels: ['directory'],
  },
  etcd_lifeboat_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    help: 'When this certificate file expires: of a chain the first that does, of a CA file the last. Absent while the file cannot be read.',
    labels: ['certificate'],
  },

  // The process, under the names that Prometheus gives them
  process_cpu_seconds_total: {
    type: 'counter',
    help: 'CPU time of the agent, user and system, without the programs that it runs.',
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Resident memory of the agent.',
  },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'When the agent started.',
  },
  process_open_fds: {
    type: 'gauge',
    help: 'File descriptors that the agent has open.',
  },
  etcd_lifeboat_event_loop_busy_seconds_total: {
    type: 'counter',
    help: 'Time in which the event loop of the agent was not idle. Near one second a second, it answers late.',
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;
