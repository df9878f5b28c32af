import { formatBytes, formatCount } from '../base/units.ts';
import { isUndo, type OperationPlan, type PlanDecision, type RestorePlan } from '../formats/restore-plan.ts';
import { describeHosts } from './plan-hosts.ts';
import { describeLoss } from './plan-loss.ts';
import { deadHost, section, warningLines } from './plan-sections.ts';
import type { Paint } from './paint.ts';
import { formatFields, indent } from './table.ts';
import { formatAge, formatTime } from './times.ts';
import { undoPlanText } from './undo-text.ts';

/** A plan as the operator reads it before confirming. Says everything that is decided, and what was not known. */
export function planText(plan: OperationPlan, paint: Paint): string[] {
  return isUndo(plan) ? undoPlanText(plan, paint) : restorePlanText(plan, paint);
}

function restorePlanText(plan: RestorePlan, paint: Paint): string[] {
  const { decided, measured, hash } = plan;
  return [
    paint('bold', `Restore plan ${hash}`),
    ...indent(
      formatFields([
        ['operation', decided.operation],
        ['made', `${formatTime(measured.at)} by ${decided.coordinator}, which will coordinate it`],
        ['cluster now', QUORUM[measured.quorum]],
      ]),
    ),
    ...section(paint, 'Snapshot', snapshotLines(plan)),
    ...section(paint, 'What will be lost', describeLoss(plan)),
    ...section(paint, `Hosts (${decided.hosts.length})`, describeHosts(plan, paint)),
    ...section(paint, 'The new cluster', clusterLines(plan)),
    ...alternatives(plan, paint),
    ...warningLines(plan, paint),
  ];
}

/** What would lose less than this restore. */
function alternatives({ measured, hash }: RestorePlan, paint: Paint): string[] {
  const gentler = (measured.proposals ?? []).filter(({ command }) => command?.includes(hash) !== true);
  if (gentler.length === 0) return [];
  return section(
    paint,
    'Before you restore: what loses less',
    gentler.flatMap(({ what, loss, command }) => [
      `- ${what}. Loses ${loss}.`,
      ...(command === undefined ? [] : [`    ${command}`]),
    ]),
  );
}

/** What stands under a plan that is only shown. `command` is how the command line begins on this host. */
export function planNextStep(plan: OperationPlan, command: string): string[] {
  return [
    '',
    'Nothing has been changed. To do exactly this:',
    `  ${command} restore run --confirm ${plan.hash}`,
  ];
}

const QUORUM = {
  alive: 'it works and has quorum; this restore takes it back in time',
  lost: 'it has no quorum',
  none: 'no member of it runs',
} as const;

const GRADES: Readonly<Record<string, string>> = {
  raw: 'raw: its structure was proved, its content carries no hash',
  hashed: "hashed: etcd's own SHA-256 trailer was compared",
  booted: 'booted: a throw-away etcd has served it',
};

function snapshotLines({ decided, measured }: RestorePlan): string[] {
  const { snapshot, holders, skipHashCheck, reason } = decided;
  const age = formatAge(snapshot.takenAt, Date.parse(measured.at));
  return formatFields([
    ['id', snapshot.id],
    ['taken', `${formatTime(snapshot.takenAt)}, ${age}, by ${snapshot.takenBy}`],
    ['revision', formatCount(snapshot.revision)],
    ['keys', snapshot.keyCount === undefined ? 'not counted' : formatCount(snapshot.keyCount)],
    ['size', formatBytes(snapshot.sizeBytes)],
    ['grade', GRADES[snapshot.grade] ?? snapshot.grade],
    ['rehearsal', rehearsalWords(decided)],
    ['sha256', snapshot.sha256],
    ['of cluster', snapshot.clusterId ?? 'unknown'],
    ['of etcd', snapshot.etcdVersion ?? 'unknown'],
    ['held by', holders.join(', ')],
    ['hash check', skipHashCheck ? `skipped, because: ${reason ?? '(no reason given)'}` : undefined],
  ]);
}

/** Who tries it out before anything is stopped, and what that costs. */
function rehearsalWords({ rehearsal }: PlanDecision): string | undefined {
  if (rehearsal === undefined) return undefined;
  if (rehearsal.action === 'run') {
    return `${rehearsal.agent} boots it on a throw-away etcd before anything is stopped: about as long as it takes to stage it`;
  }
  return SKIPPED_REHEARSAL[rehearsal.because];
}

const SKIPPED_REHEARSAL = {
  booted: 'not needed: it has booted before',
  declined: 'NONE, as you said',
  impossible: 'NONE: no host can',
} as const;

function clusterLines({ decided, measured }: RestorePlan): string[] {
  const members = decided.hosts.length;
  const tolerance = measured.faultTolerance;
  return formatFields([
    ['token', decided.clusterToken],
    ['members', `${members}, of which it may lose ${tolerance === 0 ? 'none' : tolerance} and still work`],
    ['revision', revisionWords(decided)],
    ['supersedes', decided.supersedes === undefined ? 'unknown' : `cluster ${decided.supersedes.clusterId}`],
    ...decided.without.map((dead) => ['without', deadHost(dead)] as const),
    ...alarmFields(decided),
    ['allowed', allowances(decided)],
  ]);
}

function revisionWords({ snapshot, revisions }: PlanDecision): string {
  if (revisions?.action !== 'bump') return formatCount(snapshot.revision);
  const { by, to } = revisions;
  return `${formatCount(to)}: raised by ${formatCount(by)}, all before it compacted, so that watches and caches begin anew`;
}

const ALARM_ACTIONS = {
  none: 'and nothing is done about it',
  tolerate: 'and will stand in the new cluster: `--disarm-alarms` clears it',
  disarm: 'and will be disarmed',
} as const;

function alarmFields({ alarms }: PlanDecision): (readonly [string, string])[] {
  return alarms.carried.map(
    ({ memberId, alarm }) =>
      [
        'alarm',
        `${alarm} of member ${memberId} is in the snapshot, ${ALARM_ACTIONS[alarms.action]}`,
      ] as const,
  );
}

function allowances(decided: PlanDecision): string | undefined {
  const said = [
    ...(decided.discardCurrent ? ['the present data may be discarded'] : []),
    ...(decided.allowNewerSnapshot === true ? ['the snapshot may be of a newer etcd'] : []),
    ...(decided.allowForeign ? ['the snapshot may be of another cluster'] : []),
  ];
  return said.length === 0 ? undefined : said.join('; ');
}
