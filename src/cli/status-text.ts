import { formatBytes, formatCount, formatDuration } from '../base/units.ts';
import type { AgentStatus } from '../formats/control.ts';
import { operationBlock } from './operation-block.ts';
import type { Paint } from './paint.ts';
import { progressLine } from './progress-line.ts';
import { formatFields, formatTable, indent } from './table.ts';
import { formatAge, formatTime } from './times.ts';

/** Everything that the agent says of itself and its host, in the order in which a person in trouble asks. */
export function statusText(status: AgentStatus, nowMs: number, paint: Paint): string[] {
  const sections = [
    { title: 'etcd', lines: formatFields(etcdFields(status.etcd, paint)) },
    { title: 'fence', lines: formatFields(fenceFields(status.fence, nowMs, paint)) },
    { title: 'snapshots', lines: formatFields(snapshotFields(status.snapshots, nowMs)) },
    { title: 'schedule', lines: formatFields(scheduleFields(status.schedule, nowMs)) },
    { title: 'drills', lines: formatFields(drillFields(status, nowMs)) },
    { title: 'peers', lines: peerLines(status.peers, nowMs, paint) },
    { title: 'readiness', lines: formatFields(readinessFields(status, paint)) },
    { title: 'audit log', lines: formatFields(auditFields(status.audit, paint)) },
    { title: 'restores', lines: status.operations.flatMap((view) => operationBlock(view, nowMs, paint)) },
  ];
  return [
    ...agentLines(status, nowMs, paint),
    ...sections.flatMap(({ title, lines }) =>
      lines.length === 0 ? [] : ['', paint('bold', title), ...indent(lines)],
    ),
  ];
}

function agentLines(status: AgentStatus, nowMs: number, paint: Paint): string[] {
  const up = formatDuration(Math.max(0, nowMs - Date.parse(status.startedAt)));
  return [
    `${paint('bold', status.agent)}  release ${status.release}, process ${status.pid}, up ${up}, ${status.configFile}`,
  ];
}

function etcdFields(etcd: AgentStatus['etcd'], paint: Paint): (readonly [string, string | undefined])[] {
  const pid = etcd.pid === undefined ? '' : `, process ${etcd.pid}`;
  const version = etcd.version === undefined ? '' : `etcd ${etcd.version} at `;
  return [
    [
      'process',
      `${paint(etcd.process === 'running' ? 'green' : 'red', etcd.process)} (${etcd.supervisor}${pid})`,
    ],
    ['quorum', quorumOf(etcd, paint)],
    ['problem', etcd.problem],
    ['held by', etcd.heldBy],
    ['endpoint', `${version}${etcd.endpoint}`],
    ['member', memberOf(etcd)],
    ['revision', etcd.revision === undefined ? undefined : formatCount(etcd.revision)],
    ['database', etcd.dbSizeBytes === undefined ? undefined : formatBytes(etcd.dbSizeBytes)],
    ['data dir', etcd.dataDir],
  ];
}

function quorumOf({ hasQuorum, isLearner }: AgentStatus['etcd'], paint: Paint): string {
  if (isLearner === true) return 'not known here: a learner has no vote, and answers no linearizable read';
  return hasQuorum ? paint('green', 'yes') : paint('red', 'NO');
}

function memberOf({ memberId, clusterId, leaderId, isLearner }: AgentStatus['etcd']): string | undefined {
  if (memberId === undefined) return undefined;
  const leader = isLearner === true ? ', a learner' : leaderId === memberId ? ', the leader' : '';
  return `${memberId} of cluster ${clusterId ?? 'unknown'}${leader}`;
}

/** Why etcd stays down here, for the person who wonders. */
function fenceFields(
  fence: AgentStatus['fence'],
  nowMs: number,
  paint: Paint,
): (readonly [string, string | undefined])[] {
  if (fence === undefined) return [];
  const { state, operations, since, clusterId, memberId, newClusterId, problem, next } = fence;
  const member = memberId === undefined ? undefined : `${memberId} of cluster ${clusterId ?? 'unknown'}`;
  const which = operations.join(' and ');
  const words = {
    superseded: `FENCED: etcd is kept stopped, as restore ${which} superseded this member`,
    rejoining: `REJOINING: etcd is held until it is a member again (${which})`,
    fork: `FORK: restores ${which} began at one cluster, and nobody is fenced`,
  };
  return [
    ['state', paint('red', words[state])],
    ['since', since === undefined ? undefined : formatAge(since, nowMs)],
    ['data of', member],
    ['cluster now', newClusterId],
    ['problem', problem],
    ['next', next.join('; ')],
  ];
}

function snapshotFields(
  snapshots: AgentStatus['snapshots'],
  nowMs: number,
): (readonly [string, string | undefined])[] {
  const { directory, count, freeBytes, totalBytes, newestProved, running } = snapshots;
  return [
    ['kept', `${count} with ${formatBytes(totalBytes)} in ${directory}`],
    ['free', freeBytes === undefined ? undefined : formatBytes(freeBytes)],
    [
      'newest proved',
      newestProved === undefined
        ? 'none'
        : `${newestProved.id}, ${formatAge(newestProved.takenAt, nowMs)}, revision ${formatCount(newestProved.revision)}, ${newestProved.grade}`,
    ],
    ['running', running === undefined ? undefined : progressLine(running)],
  ];
}

function scheduleFields(
  schedule: AgentStatus['schedule'],
  nowMs: number,
): (readonly [string, string | undefined])[] {
  if (schedule === undefined) return [['when', 'never: no schedule is configured']];
  const { cron, timeZone, next, last, dropped, missed, running } = schedule;
  const detail = last?.detail === undefined ? '' : `: ${last.detail}`;
  return [
    ['when', `${cron} (${timeZone})${running ? ', running now' : ''}`],
    ['next', next === undefined ? undefined : formatTime(next)],
    ['last', last === undefined ? 'none yet' : `${last.outcome} ${formatAge(last.endedAt, nowMs)}${detail}`],
    ['not run', dropped + missed === 0 ? undefined : `${dropped} dropped, ${missed} missed`],
  ];
}

function drillFields(
  { drills, snapshots }: AgentStatus,
  nowMs: number,
): (readonly [string, string | undefined])[] {
  if (drills === undefined) return [];
  const { newestBooted } = snapshots;
  return [
    [
      'newest booted',
      newestBooted === undefined ? 'none' : `${newestBooted.id}, ${formatAge(newestBooted.takenAt, nowMs)}`,
    ],
    ...scheduleFields(drills.schedule, nowMs),
    ['running', drills.running ? 'a throw-away etcd' : undefined],
  ];
}

/** Nothing to say of one that is as it should be. */
function auditFields(audit: AgentStatus['audit'], paint: Paint): (readonly [string, string | undefined])[] {
  return [
    ['NOT WRITTEN', audit?.problem === undefined ? undefined : paint('red', audit.problem)],
    ['NOT SOUND', audit?.damage === undefined ? undefined : paint('red', audit.damage)],
  ];
}

/** What stands in the way of a restore from here, and who may watch. */
function readinessFields(
  { checks, monitoring }: AgentStatus,
  paint: Paint,
): (readonly [string, string | undefined])[] {
  const failed = (checks ?? []).filter(({ passed }) => !passed);
  const restore = failed.length === 0 ? paint('green', 'ready') : paint('red', 'NOT READY');
  return [
    ['restore', checks === undefined ? undefined : restore],
    ...failed.map(({ check, message }) => [check, message] as const),
    ['monitoring', monitoring === undefined ? undefined : monitoringText(monitoring, paint)],
  ];
}

function monitoringText({ listen, problem }: NonNullable<AgentStatus['monitoring']>, paint: Paint): string {
  return problem === undefined ? `http://${listen}/metrics` : paint('red', `NOT SERVED: ${problem}`);
}

const PEER_COLUMNS = [
  { header: 'PEER' },
  { header: 'LINK' },
  { header: 'SINCE' },
  { header: 'RELEASE' },
] as const;

function peerLines(peers: AgentStatus['peers'], nowMs: number, paint: Paint): string[] {
  if (peers.length === 0) return ['none configured'];
  const rows = peers.map(({ name, state, since, release }) => [
    name,
    paint(state === 'connected' ? 'green' : 'red', state),
    formatAge(since, nowMs),
    release ?? '-',
  ]);
  const failures = peers.flatMap(({ name, lastError, state }) =>
    lastError === undefined || state === 'connected' ? [] : [`${name}: ${lastError}`],
  );
  return [...formatTable(PEER_COLUMNS, rows), ...failures];
}
