import { formatBytes, formatCount } from '../base/units.ts';
import type { RestoreHost, RestorePlan } from '../formats/restore-plan.ts';
import { layoutOf } from '../restore/layout.ts';
import type { Paint } from './paint.ts';
import { formatFields, formatTable, indent } from './table.ts';

type Measured = RestorePlan['measured']['hosts'][number];

const COLUMNS = [
  { header: 'AGENT' },
  { header: 'MEMBER' },
  { header: 'FOUND' },
  { header: 'REVISION', align: 'right' },
  { header: 'ETCD' },
  { header: 'PEER URLS' },
] as const;

/** The hosts of a plan: who they are, and where on each the old data goes. */
export function describeHosts(plan: RestorePlan, paint: Paint): string[] {
  const { decided, measured } = plan;
  const seen = (host: RestoreHost): Measured | undefined =>
    measured.hosts.find((other) => other.agent === host.agent);
  const rows = decided.hosts.map((host) => hostRow(host, seen(host)));
  const details = decided.hosts.flatMap((host) => [
    '',
    paint('bold', host.agent),
    ...indent(formatFields(hostFields(host, seen(host), decided))),
  ]);
  return [...formatTable(COLUMNS, rows), ...details];
}

function hostRow(host: RestoreHost, seen: Measured | undefined): string[] {
  return [
    host.agent,
    host.memberName,
    host.found,
    seen?.revision === undefined ? 'unknown' : formatCount(seen.revision),
    host.etcdVersion ?? 'unknown',
    host.peerUrls.join(', '),
  ];
}

function hostFields(
  host: RestoreHost,
  seen: Measured | undefined,
  decided: RestorePlan['decided'],
): (readonly [string, string | undefined])[] {
  const { member, setAsideMember, wal } = layoutOf(host, decided);
  const nothing = host.found === 'absent';
  return [
    ['restored to', wal === undefined ? member : `${member}, WAL in ${wal.dir}`],
    ['old data', nothing ? `none found at ${member}` : `kept as ${setAsideMember}`],
    ['old WAL', wal === undefined || nothing ? undefined : `kept as ${wal.setAside}`],
    ['tool', `${host.toolPath} ${host.toolVersion}`],
    ['space', seen === undefined ? undefined : spaceOf(seen)],
    [
      'snapshot',
      seen === undefined ? undefined : seen.holdsSnapshot === true ? 'is there' : 'will be fetched',
    ],
  ];
}

function spaceOf(seen: Measured): string {
  return `${formatBytes(seen.neededBytes)} needed, ${formatBytes(seen.freeBytes)} free`;
}
