import { formatBytes, formatCount } from '../base/units.ts';
import { keyText } from '../mvcc/key-text.ts';
import type { Inspection } from './inspection.ts';
import type { Paint } from './paint.ts';
import { formatFields, formatTable, indent } from './table.ts';
import { formatAge, formatTime } from './times.ts';
import { prefixLines } from './prefix-text.ts';

const FINDINGS_SHOWN = 20;
const LEASES_COUNTED = 100_000;

export function inspectText(shown: Inspection, nowMs: number, paint: Paint): string[] {
  return [
    shown.name,
    ...indent(formatFields([...fileFields(shown, nowMs), ...keyFields(shown), ...clusterFields(shown)])),
    ...memberLines(shown),
    ...(shown.top === undefined ? [] : prefixLines(shown.top)),
    ...findingLines(shown, paint),
  ];
}

type Fields = (readonly [string, string | undefined])[];

function fileFields(shown: Inspection, nowMs: number): Fields {
  const { path, manifest, manifestProblem, sizeBytes, inUseBytes, freeBytes, pagesFree, pageSizeBytes } =
    shown;
  const taken =
    manifest &&
    `${formatTime(manifest.takenAt)}, ${formatAge(manifest.takenAt, nowMs)}, by ${manifest.agent}`;
  return [
    ['path', path],
    ['taken', taken],
    ['kind', manifest && `${manifest.kind}, by ${manifest.method}, ${manifest.grade}`],
    ['manifest', manifestProblem === undefined ? undefined : `unreadable: ${plainText(manifestProblem)}`],
    [
      'size',
      `${formatBytes(sizeBytes)}, ${formatBytes(inUseBytes)} in use, ${formatBytes(freeBytes)} free (${formatCount(pagesFree)} pages of ${formatBytes(pageSizeBytes)})`,
    ],
    ['sha256', shown.sha256],
    ['trailer', TRAILER_WORDS[shown.trailer]],
  ];
}

const TRAILER_WORDS = {
  fits: 'fits',
  differs: 'does not fit the bytes before it',
  absent: 'none: a copied database carries no hash',
} as const;

function keyFields(shown: Inspection): Fields {
  const { revision, compactRevision = -1, keyCount, revisionCount, tombstoneCount = 0 } = shown;
  const { hashKv, statusHash, statusTotalKeys } = shown;
  const compacted =
    compactRevision < 0 ? 'never compacted' : `compacted up to ${formatCount(compactRevision)}`;
  return [
    ['revision', revision === undefined ? undefined : `${formatCount(revision)}, ${compacted}`],
    [
      'keys',
      keyCount === undefined || revisionCount === undefined
        ? undefined
        : `${formatCount(keyCount)}, with ${formatCount(revisionCount)} revisions kept, ${formatCount(tombstoneCount)} of them deletions`,
    ],
    ['hashkv', hashKv && `${hashKv.hash} at revision ${formatCount(hashKv.revision)}`],
    [
      'status',
      statusTotalKeys &&
        `hash ${(statusHash ?? 0).toString(16)}, total keys ${formatCount(statusTotalKeys.etcd36)} (etcdctl 3.4 and 3.5: ${formatCount(statusTotalKeys.etcd34)})`,
    ],
  ];
}

function clusterFields(shown: Inspection): Fields {
  const { leaseCount, authEnabled, alarms, clusterVersion, storageVersion, downgrade, manifest } = shown;
  return [
    ['leases', leaseCount === undefined ? undefined : leasesText(leaseCount)],
    ['auth', authEnabled === undefined ? undefined : authEnabled ? 'on' : 'off'],
    [
      'alarms',
      alarms && (alarms.map(({ alarm, memberId }) => `${alarm} of ${memberId}`).join(', ') || 'none'),
    ],
    ['cluster', manifest?.clusterId],
    ['version', clusterVersion && `${clusterVersion} agreed by the members`],
    ['storage', storageVersion],
    ['downgrade', downgrade?.enabled === true ? `to ${plainText(downgrade.targetVersion)}` : undefined],
    ['applied', appliedText(shown)],
  ];
}

function leasesText(count: number): string {
  return count === LEASES_COUNTED ? `${formatCount(count)} or more` : formatCount(count);
}

function appliedText({ consistentIndex, term }: Inspection): string | undefined {
  if (consistentIndex === undefined) return undefined;
  return `index ${formatCount(consistentIndex)}${term === undefined ? '' : `, term ${formatCount(term)}`} of the log`;
}

const MEMBER_COLUMNS = [
  { header: 'MEMBER' },
  { header: 'NAME' },
  { header: 'PEER URLS' },
  { header: 'CLIENT URLS' },
];

function memberLines({ members = [], removedMemberIds = [] }: Inspection): string[] {
  const rows = members.map(({ id, name, peerUrls, clientUrls, isLearner }) => [
    isLearner ? `${id} (learner)` : id,
    plainText(name) || '-',
    plainText(peerUrls.join(',')) || '-',
    plainText(clientUrls.join(',')) || '-',
  ]);
  return [
    ...(rows.length === 0 ? [] : ['', ...formatTable(MEMBER_COLUMNS, rows)]),
    ...(removedMemberIds.length === 0 ? [] : [`removed: ${removedMemberIds.join(', ')}`]),
  ];
}

function findingLines({ findings, findingCount }: Inspection, paint: Paint): string[] {
  if (findingCount === 0) return ['', paint('green', 'sound: nothing is wrong with it')];
  const shown = findings.slice(0, FINDINGS_SHOWN);
  const more = findingCount - shown.length;
  return [
    '',
    paint(
      'red',
      `${formatCount(findingCount)} finding${findingCount === 1 ? '' : 's'}: do not restore from it`,
    ),
    ...indent(
      formatTable(
        [{ header: 'KIND' }, { header: 'FOUND' }],
        shown.map(({ kind, message }) => [kind, plainText(message)]),
      ),
    ),
    ...(more > 0 ? [`  and ${formatCount(more)} more; -o json has the first thousand`] : []),
  ];
}

/** What a file says may hold what moves a cursor. */
function plainText(text: string): string {
  return keyText(Buffer.from(text));
}
