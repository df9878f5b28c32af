interface ErrorTraits {
  /** True when the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean;
  /** The exit status of the command that ends with it: see docs/cli.md. */
  readonly exitStatus: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  /** What the operator does next, in one or two sentences. */
  readonly hint: string;
}

/**
 * Every failure this program reports. Codes are public: they are logged, sent to peers and
 * listed in docs/errors.md. Add freely; never rename or reuse one.
 */
export const ERROR_CODES = {
  // The program and its surroundings
  INTERNAL: {
    retryable: false,
    exitStatus: 1,
    hint: 'This is a defect in etcd-lifeboat. Report it with the log lines around it.',
  },
  THREAD_DIED: {
    retryable: true,
    exitStatus: 1,
    hint: 'A thread that read a file ended early, for want of memory or by a defect. Nothing was decided about the file: try again.',
  },
  USAGE: { retryable: false, exitStatus: 2, hint: 'Run the command with --help.' },
  CONFIG_INVALID: {
    retryable: false,
    exitStatus: 2,
    hint: 'Correct the lines named above; `lifeboat config check` shows all of them at once.',
  },
  CANCELLED: { retryable: true, exitStatus: 1, hint: 'Nothing was published. Run it again when ready.' },
  TIMED_OUT: { retryable: true, exitStatus: 1, hint: 'See what the other side was doing in its log.' },
  COMMAND_FAILED: { retryable: false, exitStatus: 1, hint: 'The last lines of its output are above.' },
  COMMAND_NOT_FOUND: {
    retryable: false,
    exitStatus: 1,
    hint: 'Install it, or give its absolute path in the configuration.',
  },
  FILE_UNREADABLE: { retryable: false, exitStatus: 1, hint: 'Check the path, its owner and its mode.' },
  FILE_FORBIDDEN: {
    retryable: false,
    exitStatus: 1,
    hint: "This user may not read it. Run the command as root, or as the agent's user: `sudo -u USER lifeboat …`.",
  },
  NO_SPACE: {
    retryable: true,
    exitStatus: 3,
    hint: 'Free space on the file system named above; `lifeboat snapshot list` shows what could go.',
  },
  OUTPUT_UNWRITABLE: {
    retryable: false,
    exitStatus: 1,
    hint: 'What was printed is not complete. Write it to a place with room, and run the command again.',
  },
  AGENT_UNREACHABLE: {
    retryable: true,
    exitStatus: 6,
    hint: 'Is the agent running on this host, and may this user open its control socket?',
  },
  AGENT_ALREADY_RUNNING: {
    retryable: false,
    exitStatus: 3,
    hint: 'Another agent holds this state directory. Give each agent its own `agent.stateDir`.',
  },
  MONITORING_UNAVAILABLE: {
    retryable: true,
    exitStatus: 1,
    hint: 'The agent works without metrics and probes, and tries again. Free the port, or change `monitoring.listen`.',
  },
  STATE_DAMAGED: {
    retryable: false,
    exitStatus: 5,
    hint: 'The file was left as it is. Move it aside only when you know what it said.',
  },
  INSTALL_REFUSED: {
    retryable: false,
    exitStatus: 3,
    hint: 'Nothing was installed. docs/install.md says what `lifeboat install` needs, and what goes instead.',
  },
  UNINSTALL_REFUSED: {
    retryable: true,
    exitStatus: 3,
    hint: 'Nothing was removed. `lifeboat restore status` shows what goes on; afterwards, uninstall again.',
  },

  // etcd
  ETCD_UNREACHABLE: {
    retryable: true,
    exitStatus: 1,
    hint: 'Is etcd running, and is `etcd.endpoint` one of its client URLs?',
  },
  ETCD_TIMEOUT: {
    retryable: true,
    exitStatus: 1,
    hint: 'The member did not answer in time: it may have no quorum, or a slow disk. Without quorum `snapshot copy` takes its file.',
  },
  ETCD_AUTH_FAILED: {
    retryable: false,
    exitStatus: 1,
    hint: 'Check `etcd.auth` and `etcd.tls`. Snapshot and HashKV need the root role, putting keys back the right to read and write those keys.',
  },
  ETCD_LEARNER: {
    retryable: false,
    exitStatus: 1,
    hint: 'A learner answers little but its status. Save on a voting member, use `snapshot copy` here, or promote it.',
  },
  ETCD_LEARNER_BEHIND: {
    retryable: true,
    exitStatus: 1,
    hint: 'The learner has not caught up with its leader yet. It is promoted when it has.',
  },
  ETCD_REFUSED: { retryable: false, exitStatus: 1, hint: 'etcd answered, and refused: its words are above.' },
  ETCD_REQUEST_TOO_LARGE: {
    retryable: false,
    exitStatus: 1,
    hint: 'etcd takes no request of that size: raise its `--max-request-bytes`, on every member.',
  },
  ETCD_NO_SPACE: {
    retryable: false,
    exitStatus: 1,
    hint: 'The member has the NOSPACE alarm: compact, defragment, then disarm it.',
  },
  ETCD_NOT_FOUND: {
    retryable: false,
    exitStatus: 1,
    hint: 'Start etcd, or name its unit or process: `--unit etcd.service`, `--pid 1234`.',
  },
  ETCD_AMBIGUOUS: {
    retryable: false,
    exitStatus: 2,
    hint: 'Say which one is meant: `--pid`, or `--unit`. Each has an agent and a configuration of its own.',
  },
  ETCD_COMPACTED: { retryable: false, exitStatus: 1, hint: 'That revision is gone. Ask for a newer one.' },

  // Snapshot files
  SNAPSHOT_TRUNCATED: {
    retryable: true,
    exitStatus: 1,
    hint: 'Nothing was published. The next run takes a fresh snapshot.',
  },
  SNAPSHOT_STALLED: {
    retryable: true,
    exitStatus: 1,
    hint: 'No byte arrived for the time stated. Look at the disk and the log of the member.',
  },
  SNAPSHOT_HASH_MISMATCH: {
    retryable: false,
    exitStatus: 3,
    hint: 'Do not restore from this file. `lifeboat snapshot verify --all` shows which are sound.',
  },
  SNAPSHOT_NOT_A_DATABASE: {
    retryable: false,
    exitStatus: 3,
    hint: 'This is not an etcd v3 database file. Check the path.',
  },
  SNAPSHOT_UNBOOTABLE: {
    retryable: false,
    exitStatus: 3,
    hint: 'etcd of this host starts on an empty directory and not on this snapshot: its last words are above. Restore from another.',
  },
  DRILL_UNAVAILABLE: {
    retryable: true,
    exitStatus: 3,
    hint: 'Nothing was found out about the snapshot. Mend the cause above and run the drill again; a restore goes without one by `--no-rehearsal`.',
  },
  DRILL_RUNNING: {
    retryable: true,
    exitStatus: 3,
    hint: 'One drill at a time on a host. `lifeboat status` shows it.',
  },
  SNAPSHOT_DAMAGED: {
    retryable: false,
    exitStatus: 3,
    hint: 'Do not restore from this file. Take another, or choose another.',
  },
  SNAPSHOT_UNPROVED: {
    retryable: false,
    exitStatus: 3,
    hint: 'A copied database carries no hash. If you accept that, say `--skip-hash-check --reason "…"`.',
  },
  SNAPSHOT_UNKNOWN: {
    retryable: false,
    exitStatus: 1,
    hint: '`lifeboat snapshot list` shows what this host holds.',
  },
  KEY_UNKNOWN: {
    retryable: false,
    exitStatus: 1,
    hint: '`lifeboat snapshot keys SNAPSHOT --prefix …` lists the keys it has. They are written as it shows them.',
  },
  REVISION_COMPACTED: {
    retryable: false,
    exitStatus: 1,
    hint: 'That history is gone from the snapshot. Name a newer revision, or look into an older snapshot.',
  },
  REVISION_FUTURE: {
    retryable: false,
    exitStatus: 1,
    hint: 'The snapshot was taken before that revision. Name an older one, or look into a newer snapshot.',
  },
  PUT_BACK_CONFLICT: {
    retryable: false,
    exitStatus: 3,
    hint: 'Nothing was written. Name only the keys that you want back, or say `--overwrite` to replace what the cluster has.',
  },
  PUT_BACK_INCOMPLETE: {
    retryable: false,
    exitStatus: 1,
    hint: 'The other keys are written. Running it again shows these as they are now, and writes what is missing.',
  },
  SNAPSHOT_IN_USE: {
    retryable: true,
    exitStatus: 3,
    hint: 'A restore or a transfer reads it. Wait for it, or choose another.',
  },
  SNAPSHOT_LAST_PROVED: {
    retryable: false,
    exitStatus: 3,
    hint: 'It is the newest proved snapshot. Take a newer one first; `--force` deletes it all the same.',
  },
  SNAPSHOT_RUNNING: {
    retryable: true,
    exitStatus: 1,
    hint: 'A snapshot is being taken. Wait for it: `lifeboat status` shows how far it is.',
  },
  COPY_TORN: {
    retryable: true,
    exitStatus: 1,
    hint: 'The database changed while it was copied. Run it again, or stop the member first.',
  },
  WAL_UNREADABLE: {
    retryable: false,
    exitStatus: 1,
    hint: "Check `etcd.walDir` (without it: `member/wal` of the data directory), and that the agent's user may read it.",
  },
  WAL_DAMAGED: {
    retryable: false,
    exitStatus: 1,
    hint: 'etcd refuses to start on such a log. The database can be copied and restored without it; what only the log holds is lost.',
  },
  STORAGE_TAKEN: { retryable: false, exitStatus: 1, hint: 'A snapshot of this name is stored already.' },
  STORAGE_ABSENT: {
    retryable: false,
    exitStatus: 1,
    hint: '`lifeboat snapshot list` shows what this host holds.',
  },
  STORAGE_CORRUPTED: {
    retryable: false,
    exitStatus: 1,
    hint: 'What arrived is not what was sent. Nothing was kept.',
  },
  EXPORT_TARGET_EXISTS: { retryable: false, exitStatus: 3, hint: 'Name a path that does not exist yet.' },
  EXPORT_TARGET_UNWRITABLE: {
    retryable: false,
    exitStatus: 1,
    hint: 'The agent writes the file, with its own rights: name a path in its state directory, and copy the file from there.',
  },
  POST_RESTORE_FAILED: {
    retryable: false,
    exitStatus: 1,
    hint: 'The restore itself went through. Do by hand what `restore.postRestore` would have done on this host.',
  },
  SET_ASIDE_CHANGED: {
    retryable: false,
    exitStatus: 3,
    hint: 'Nothing was removed. Look again with `lifeboat restore clean --dry-run`.',
  },
  SET_ASIDE_UNKNOWN: {
    retryable: false,
    exitStatus: 1,
    hint: '`lifeboat restore clean --dry-run` shows what is set aside on this host.',
  },
  PRE_STOP_FAILED: {
    retryable: false,
    exitStatus: 7,
    hint: 'The restore was aborted before anything was decided. Mend what keeps `restore.preStop` of that host from succeeding, then plan again.',
  },
  ON_FAILURE_FAILED: {
    retryable: false,
    exitStatus: 1,
    hint: 'Do by hand what `restore.onFailure` would have done on this host. `lifeboat restore status` says how the operation ended.',
  },
  AUDIT_UNWRITABLE: {
    retryable: true,
    exitStatus: 1,
    hint: 'Nothing was changed. What must stand in the audit log first waits until it can be written: look at space and rights of the state directory.',
  },
  AUDIT_BROKEN: {
    retryable: false,
    exitStatus: 1,
    hint: 'Somebody or something other than the agent changed the log: compare it with a copy that was kept elsewhere. The agent goes on writing behind what is there.',
  },
  POST_SNAPSHOT_FAILED: {
    retryable: false,
    exitStatus: 1,
    hint: 'The snapshot itself is safe. Run the command by hand to see why it fails.',
  },

  // Peers
  PEER_UNREACHABLE: {
    retryable: true,
    exitStatus: 1,
    hint: 'Is the agent running there? `lifeboat status` shows the links of this host.',
  },
  PEER_TIMEOUT: { retryable: true, exitStatus: 1, hint: 'The peer is connected but did not answer in time.' },
  PEER_UNKNOWN: { retryable: false, exitStatus: 1, hint: 'Name an agent of `mesh.peers`.' },
  PEER_REFUSED: {
    retryable: false,
    exitStatus: 1,
    hint: 'Compare certificates or secret files on both hosts.',
  },
  PROTOCOL_MISMATCH: {
    retryable: false,
    exitStatus: 1,
    hint: 'The agents speak different protocol generations. Bring them to one release.',
  },
  FRAME_INVALID: {
    retryable: false,
    exitStatus: 1,
    hint: 'A peer sent what this release does not understand. Compare the releases.',
  },
  FRAME_TOO_LARGE: {
    retryable: false,
    exitStatus: 1,
    hint: 'One message would exceed the limit of a link. Nothing was sent.',
  },
  METHOD_UNKNOWN: {
    retryable: false,
    exitStatus: 1,
    hint: 'The peer is of another release. Bring the agents to one release.',
  },
  TOO_MANY_REQUESTS: { retryable: true, exitStatus: 1, hint: 'Wait for the requests under way to end.' },
  TRANSFER_FAILED: {
    retryable: true,
    exitStatus: 1,
    hint: 'The part that arrived is kept and resumed by the next try.',
  },

  // Supervisor
  SUPERVISOR_FAILED: {
    retryable: false,
    exitStatus: 1,
    hint: 'Run the command named above by hand and look at its log.',
  },
  SUPERVISOR_FORBIDDEN: {
    retryable: false,
    exitStatus: 1,
    hint: "The agent's user may not start and stop etcd. Install the polkit rule 50-etcd-lifeboat.rules for it: docs/security.md.",
  },
  PROCESSES_HIDDEN: {
    retryable: false,
    exitStatus: 1,
    hint: 'Whether etcd is stopped cannot be told. Give the agent a /proc without hidepid= and subset=: docs/security.md.',
  },
  ETCD_STILL_RUNNING: {
    retryable: true,
    exitStatus: 1,
    hint: 'The processes named above still have files of the data or WAL directory open. Stop them.',
  },
  ETCD_START_FAILED: {
    retryable: false,
    exitStatus: 1,
    hint: "etcd's own last log lines are above. Its data was not touched by the failed start.",
  },
  DATA_DIR_MISSING: {
    retryable: false,
    exitStatus: 1,
    hint: 'A member that lost its data must not found a cluster anew. Bring the data back, or run `lifeboat restore plan`.',
  },
  HOLD_UNSUPPORTED: {
    retryable: false,
    exitStatus: 3,
    hint: 'Install the drop-in systemd/etcd-hold.conf of this release for the etcd unit, then run `systemctl daemon-reload`.',
  },

  // Restore tool
  RESTORE_TOOL_MISSING: {
    retryable: false,
    exitStatus: 3,
    hint: 'Install etcdutl (or etcdctl up to 3.5), or name it in `restore.tool`.',
  },
  RESTORE_TOOL_UNFIT: {
    retryable: false,
    exitStatus: 3,
    hint: 'Install the etcdutl or etcdctl of the same minor as the etcd that will run.',
  },
  RESTORE_TOOL_FAILED: {
    retryable: false,
    exitStatus: 1,
    hint: "The tool's last lines are above. Only the staging directory was written.",
  },

  // Restore
  PLAN_UNKNOWN: {
    retryable: false,
    exitStatus: 3,
    hint: 'Run `lifeboat restore plan` again and confirm the hash that it prints.',
  },
  PLAN_MISMATCH: {
    retryable: false,
    exitStatus: 3,
    hint: 'The hash typed is not the hash of the plan. Read the plan again.',
  },
  OPERATION_IN_PROGRESS: {
    retryable: true,
    exitStatus: 3,
    hint: '`lifeboat restore status` shows it; `lifeboat restore abort` asks it to stop.',
  },
  OPERATION_UNKNOWN: {
    retryable: false,
    exitStatus: 1,
    hint: '`lifeboat restore status` shows what is known.',
  },
  OPERATION_REFUSED: {
    retryable: false,
    exitStatus: 3,
    hint: '`lifeboat restore status` prints what can be done now.',
  },
  OPERATION_ENDED: {
    retryable: false,
    exitStatus: 1,
    hint: 'Nothing is left to do for it; `lifeboat restore status` shows how it ended.',
  },
  OPERATION_STALE_EPOCH: {
    retryable: false,
    exitStatus: 1,
    hint: 'A newer coordinator holds the operation. Ask there.',
  },
  GUARD_QUORUM_ALIVE: {
    retryable: false,
    exitStatus: 3,
    hint: 'The cluster works. A host without a member comes back by `lifeboat member rejoin` there, a lost one is replaced by `lifeboat member replace NAME`. To go back in time all the same, say `--discard-current`.',
  },
  GUARD_HOSTS_MISSING: {
    retryable: true,
    exitStatus: 3,
    hint: 'Bring their agents back, or name each host that is dead with `--without HOST`.',
  },
  GUARD_HOST_ALIVE: {
    retryable: false,
    exitStatus: 3,
    hint: 'A host named with --without answers. Stop its etcd first, or let it take part.',
  },
  GUARD_SPACE: {
    retryable: true,
    exitStatus: 3,
    hint: 'Free space on the hosts named above; set-aside data of earlier restores is a good start.',
  },
  GUARD_FOREIGN_SNAPSHOT: {
    retryable: false,
    exitStatus: 3,
    hint: 'The snapshot was taken from another cluster. If it is the one you want, say `--allow-foreign`.',
  },
  GUARD_NEWER_SNAPSHOT: {
    retryable: false,
    exitStatus: 3,
    hint: 'Install the etcd that wrote the snapshot, or take an older one. Where etcd may start on it, say `--allow-newer-snapshot` to try.',
  },
  GUARD_LAYOUT: {
    retryable: false,
    exitStatus: 3,
    hint: 'A directory swap would not be possible on the host named above. Nothing was changed.',
  },
  UNDO_REFUSED: {
    retryable: false,
    exitStatus: 3,
    hint: 'Only the newest restore of a line is undone. `lifeboat restore plan` restores from a snapshot, whatever was done since.',
  },
  UNDO_INCOMPLETE: {
    retryable: false,
    exitStatus: 3,
    hint: 'Restore from what is left, on the host that has it: `lifeboat restore plan --file DATA_DIR/member.before-OPERATION/snap/db --skip-hash-check --reason TEXT`.',
  },
  GUARD_CHANGED: {
    retryable: true,
    exitStatus: 7,
    hint: 'The situation is worse than the one confirmed. Make a new plan.',
  },
  NO_SNAPSHOT: {
    retryable: false,
    exitStatus: 3,
    hint: 'No host holds a usable snapshot. Use `--file`, or `--from-member HOST --skip-hash-check --reason "…"`.',
  },
  RESTORE_STEP_FAILED: {
    retryable: false,
    exitStatus: 1,
    hint: '`lifeboat restore status` shows what became of the operation.',
  },
  RESTORE_ABORTED: {
    retryable: true,
    exitStatus: 7,
    hint: 'Every host is as it was found. Mend the cause above and make a new plan.',
  },
  RESTORE_ROLLED_BACK: {
    retryable: false,
    exitStatus: 4,
    hint: 'Every host is back on the data it had. The restored data is set aside; mend the cause, then plan again.',
  },
  RESTORE_STUCK: {
    retryable: false,
    exitStatus: 5,
    hint: '`lifeboat restore status` says which host waits for what. Nothing goes on by itself.',
  },
  JOURNAL_UNWRITABLE: {
    retryable: true,
    exitStatus: 1,
    hint: 'Make room, or mend the disk of the state directory: the operation goes on by itself when the journal can be written.',
  },
  JOURNAL_DAMAGED: {
    retryable: false,
    exitStatus: 5,
    hint: 'The hold stays on this host. Compare with the journals of the other hosts before any file is moved.',
  },

  // Members
  MEMBER_CURRENT: {
    retryable: false,
    exitStatus: 3,
    hint: 'Nothing was changed. `lifeboat status` shows which cluster this member is in.',
  },
  MEMBER_ALIVE: {
    retryable: false,
    exitStatus: 3,
    hint: 'Nothing was changed. Only a member that is down is replaced: stop its etcd first, if it is to go.',
  },
  MEMBER_UNKNOWN: {
    retryable: false,
    exitStatus: 3,
    hint: 'Nothing was changed. Name a member as `etcdctl member list` shows it.',
  },
  MEMBER_NO_QUORUM: {
    retryable: true,
    exitStatus: 3,
    hint: 'Nothing was changed. A cluster takes a member only while it has quorum, and a peer must be linked that serves it: `lifeboat status` there.',
  },
  MEMBER_NO_ROOM: {
    retryable: true,
    exitStatus: 3,
    hint: 'Nothing was changed. Let the learner that is there be promoted first, or remove it.',
  },
  MEMBER_FORK: {
    retryable: false,
    exitStatus: 5,
    hint: 'Compare the hosts by `lifeboat status`. A restore of all of them from the right snapshot ends the fork.',
  },
  JOIN_UNSUPPORTED: {
    retryable: false,
    exitStatus: 3,
    hint: 'Nothing was changed. docs/operations.md says how a member is added by hand.',
  },
  JOIN_IN_PROGRESS: {
    retryable: true,
    exitStatus: 3,
    hint: '`lifeboat status` shows how far it is; `lifeboat member rejoin` follows it, or goes on with it.',
  },
  JOIN_FAILED: {
    retryable: true,
    exitStatus: 1,
    hint: 'etcd stays stopped on this host, its old data set aside. Mend the cause, and run `lifeboat member rejoin` again: it goes on where it ended.',
  },
} as const satisfies Record<string, ErrorTraits>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether a word received from elsewhere is one of our codes. */
export function isErrorCode(word: string): word is ErrorCode {
  return Object.hasOwn(ERROR_CODES, word);
}
