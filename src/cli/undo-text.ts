import { formatCount } from '../base/units.ts';
import type { UndoHost, UndoPlan } from '../formats/restore-plan.ts';
import { layoutOf } from '../restore/layout.ts';
import { servingHosts } from '../restore/serving-hosts.ts';
import { deadHost, section, warningLines } from './plan-sections.ts';
import type { Paint } from './paint.ts';
import { formatFields, formatTable, indent } from './table.ts';
import { formatTime } from './times.ts';

/** The plan of an undo as the operator reads it before confirming. Says everything that is decided, and what was not known. */
export function undoPlanText(plan: UndoPlan, paint: Paint): string[] {
  const { decided, measured, hash } = plan;
  return [
    paint('bold', `Undo plan ${hash}`),
    ...indent(
      formatFields([
        ['operation', decided.operation],
        ['made', `${formatTime(measured.at)} by ${decided.coordinator}, which will coordinate it`],
        ['cluster now', `${decided.supersedes.clusterId}: ${QUORUM[measured.quorum]}`],
      ]),
    ),
    ...section(paint, 'What is gone back to', sourceLines(plan)),
    ...section(paint, 'What will be lost', lossLines(plan)),
    ...section(paint, `Hosts (${decided.hosts.length})`, hostLines(plan, paint)),
    ...section(paint, 'The cluster afterwards', clusterLines(plan)),
    ...warningLines(plan, paint),
  ];
}

const QUORUM = {
  alive: 'it works and has quorum; this undo takes it out of service',
  lost: 'it has no quorum',
  none: 'no member of it runs',
} as const;

function sourceLines({ decided }: UndoPlan): string[] {
  const { undoes, returnsTo } = decided;
  return formatFields([
    ['data', `what ${undoes.operation} set aside, which finished at ${formatTime(undoes.finishedAt)}`],
    ['of cluster', returnsTo.clusterId],
    ['revision', `${formatCount(returnsTo.revision)}, that of its most advanced member`],
  ]);
}

function lossLines({ decided, measured }: UndoPlan): string[] {
  const { undoes, operation } = decided;
  const kept = `It is set aside as member.before-${operation}, not deleted.`;
  const { lostRevisions, newest } = measured;
  if (lostRevisions === undefined || newest === undefined)
    return [
      `Everything written since ${undoes.operation} finished: how much is not known, as no member can be read. ${kept}`,
    ];
  const at = `${newest.agent} is at revision ${formatCount(newest.revision)}`;
  if (lostRevisions === 0)
    return [`Nothing is known to have been written since ${undoes.operation} finished (${at}).`];
  const count = lostRevisions === 1 ? '1 revision' : `${formatCount(lostRevisions)} revisions`;
  return [`${count}: everything written since ${undoes.operation} finished (${at}). ${kept}`];
}

const COLUMNS = [
  { header: 'AGENT' },
  { header: 'MEMBER' },
  { header: 'FOUND' },
  { header: 'REVISION', align: 'right' },
  { header: 'WILL' },
  { header: 'ETCD' },
] as const;

const WILL = {
  swap: 'go back and serve',
  keep: 'keep its data, and join when this has finished',
  vacate: 'have no member',
} as const;

function hostLines(plan: UndoPlan, paint: Paint): string[] {
  const { decided, measured } = plan;
  const rows = decided.hosts.map((host) => {
    const now = measured.hosts.find(({ agent }) => agent === host.agent)?.revision;
    const revision = now === undefined ? 'unknown' : formatCount(now);
    return [
      host.agent,
      host.memberName,
      host.found,
      revision,
      WILL[host.action],
      host.etcdVersion ?? 'unknown',
    ];
  });
  const details = decided.hosts.flatMap((host) => [
    '',
    paint('bold', host.agent),
    ...indent(formatFields(hostFields(plan, host))),
  ]);
  return [...formatTable(COLUMNS, rows), ...details];
}

function hostFields({ decided }: UndoPlan, host: UndoHost): (readonly [string, string | undefined])[] {
  const { member, stagedMember, setAsideMember, wal } = layoutOf(host, decided);
  const isGone = host.action !== 'keep' && host.found !== 'absent';
  return [
    ['goes back to', host.action === 'swap' ? `${stagedMember}, as ${member}` : undefined],
    ['WAL', host.action === 'swap' && wal !== undefined ? `${wal.staged}, in ${wal.dir}` : undefined],
    ['revision', host.action === 'swap' ? formatCount(host.revision) : undefined],
    ['why', host.action === 'swap' ? undefined : host.why],
    ['present data', isGone ? `kept as ${setAsideMember}` : undefined],
    ['present WAL', isGone && wal !== undefined ? `kept as ${wal.setAside}` : undefined],
  ];
}

function clusterLines({ decided, measured }: UndoPlan): string[] {
  const { returnsTo, without, alarms, strangerUrls } = decided;
  const { faultTolerance } = measured;
  const serving = servingHosts(decided).length;
  return formatFields([
    ['id', returnsTo.clusterId],
    [
      'members',
      `${returnsTo.members.length}, of which ${serving} serve at once; it may lose ${faultTolerance === 0 ? 'none' : faultTolerance} of these and still work`,
    ],
    ['supersedes', `cluster ${decided.supersedes.clusterId}`],
    ...without.map((dead) => ['without', deadHost(dead)] as const),
    ['refused if', strangerUrls.length === 0 ? undefined : `${strangerUrls.join(' or ')} answers`],
    ...alarms.carried.map(
      ({ memberId, alarm }) => ['alarm', `${alarm} of member ${memberId} stands in it`] as const,
    ),
  ]);
}
