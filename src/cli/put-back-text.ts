import { formatBytes, formatCount } from '../base/units.ts';
import { keyText } from '../mvcc/key-text.ts';
import type { LivingCluster, Lineage, SnapshotOrigin } from '../put-back/lineage.ts';
import type { KeyPlan, PutBackPlan } from '../put-back/plan-put-back.ts';
import type { Selection } from '../put-back/selection.ts';
import type { LeftAlone, WriteReport } from '../put-back/write-planned.ts';
import type { Paint } from './paint.ts';
import { formatFields, formatTable, indent } from './table.ts';

/** From where to where. */
export interface PutBackHeading {
  readonly wish: { readonly selection: Selection; readonly revision?: number; readonly dryRun: boolean };
  readonly snapshot: {
    readonly name: string;
    readonly origin: SnapshotOrigin;
    readonly problems: readonly string[];
  };
  readonly cluster: LivingCluster & { readonly endpoint: string };
  readonly lineage: Lineage;
}

interface PutBackView {
  readonly heading: PutBackHeading;
  readonly plan: PutBackPlan;
  /** The first of them, in key order. */
  readonly toWrite: readonly KeyPlan[];
  readonly conflicts: readonly KeyPlan[];
}

export function planLines(view: PutBackView, paint: Paint): string[] {
  const { heading, plan } = view;
  const { counts } = plan;
  return [
    ...headingLines(heading, paint),
    ...indent(formatFields(countFields(plan))),
    ...createdLines(view.toWrite, counts.create),
    ...conflictLines(view.conflicts, counts.conflict + counts.overwrite, paint),
  ];
}

function headingLines({ wish, snapshot, cluster, lineage }: PutBackHeading, paint: Paint): string[] {
  const { revision, dryRun } = { revision: snapshot.origin.revision, ...wish };
  const problems = snapshot.problems.map((problem) =>
    paint('red', `  ! the snapshot is damaged: ${problem}`),
  );
  const strange = lineage.comparable
    ? []
    : [paint('yellow', `  ! revisions of both cannot be compared: ${lineage.why}`)];
  return [
    `Put back from ${snapshot.name}${dryRun ? ' (only shown)' : ''}`,
    ...indent(
      formatFields([
        ['as of revision', formatCount(revision)],
        [
          'into cluster',
          `${cluster.clusterId} at ${cluster.endpoint}, revision ${formatCount(cluster.revision)}`,
        ],
        ['chosen', chosenText(wish.selection)],
      ]),
    ),
    ...problems,
    ...strange,
    '',
  ];
}

function chosenText({ keys, prefixes }: Selection): string {
  if (prefixes.some((prefix) => prefix.length === 0)) return 'every key';
  const below = prefixes.map((prefix) => `all keys that begin with ${keyText(prefix)}`);
  const named = keys.length > 5 ? [`${keys.length} keys by name`] : keys.map((key) => `key ${keyText(key)}`);
  return [...below, ...named].join(', ');
}

function countFields({
  counts,
  leaseless,
  valueBytes,
}: PutBackPlan): (readonly [string, string | undefined])[] {
  const { create, overwrite, conflict, unchanged, leased } = counts;
  const ifAny = (count: number, text: string): string | undefined =>
    count === 0 ? undefined : `${formatCount(count)}${text}`;
  return [
    ['create', ifAny(create, ', which the cluster lacks')],
    ['overwrite', ifAny(overwrite, ' with another value in the cluster')],
    ['conflict', ifAny(conflict, ' with another value in the cluster')],
    ['unchanged', ifAny(unchanged, ' with the same value: left alone')],
    ['leased', ifAny(leased, ' that hung on a lease, which cannot be put back: skipped (see --leased)')],
    ['without lease', ifAny(leaseless, ' of those to write hung on a lease: they will never expire')],
    ['to write', formatBytes(valueBytes)],
  ];
}

function createdLines(keys: readonly KeyPlan[], count: number): string[] {
  if (count === 0) return [];
  const columns = [
    { header: 'CREATE' },
    { header: 'SNAPSHOT', align: 'right' },
    { header: 'SIZE', align: 'right' },
  ] as const;
  const rows = keys.map(({ key, modRevision, valueSizeBytes }) => [
    keyText(key),
    formatCount(modRevision),
    formatBytes(valueSizeBytes),
  ]);
  return ['', ...indent([...formatTable(columns, rows), ...moreLine(count - keys.length)])];
}

const NEWER = {
  cluster: 'the cluster has the newer one',
  snapshot: 'the snapshot has the newer one',
  unknown: 'not comparable',
} as const;

function conflictLines(keys: readonly KeyPlan[], count: number, paint: Paint): string[] {
  const rows = keys.flatMap(({ key, modRevision, decision }) => {
    if (decision.kind !== 'conflict' && decision.kind !== 'overwrite') return [];
    return [
      [keyText(key), formatCount(modRevision), formatCount(decision.modRevision), NEWER[decision.newer]],
    ];
  });
  const [first] = keys;
  if (first === undefined) return [];
  const isRefused = first.decision.kind === 'conflict';
  const columns = [
    { header: isRefused ? 'CONFLICT' : 'OVERWRITE' },
    { header: 'SNAPSHOT', align: 'right' },
    { header: 'CLUSTER', align: 'right' },
    { header: 'NEWER' },
  ] as const;
  const [header = '', ...lines] = formatTable(columns, rows);
  return [
    '',
    ...indent([paint(isRefused ? 'red' : 'yellow', header), ...lines, ...moreLine(count - keys.length)]),
  ];
}

export function reportLines(report: WriteReport, leftAlone: readonly LeftAlone[], paint: Paint): string[] {
  const { written, writtenBytes, unchanged, overtaken, tooLarge, uncertain, remaining, revision } = report;
  if (written + unchanged + overtaken + tooLarge + uncertain + remaining === 0) {
    return ['', 'There is nothing to write.'];
  }
  const at = revision === undefined ? '' : `, revision ${formatCount(revision)}`;
  const ifAny = (count: number, text: string): string[] =>
    count === 0 ? [] : [`${formatCount(count)} ${text}`];
  return [
    '',
    `put back ${formatCount(written)} ${written === 1 ? 'key' : 'keys'}, ${formatBytes(writtenBytes)}${at}`,
    ...indent([
      ...ifAny(unchanged, 'had the same value by then'),
      ...ifAny(uncertain, 'may be written or not: etcd did not say'),
      ...ifAny(remaining, 'not tried: run it again, it goes on where it ended'),
      ...leftAlone.map((left) => paint('red', leftAloneLine(left))),
      ...moreLine(overtaken + tooLarge - leftAlone.length),
    ]),
  ];
}

function leftAloneLine(left: LeftAlone): string {
  const key = keyText(left.key);
  if (left.reason === 'too-large')
    return `${key}: ${formatBytes(left.valueSizeBytes)} is more than etcd takes`;
  const now =
    left.found.kind === 'absent' ? 'deleted' : `written at revision ${formatCount(left.found.modRevision)}`;
  return `${key}: another client was first, it is ${now}; left alone`;
}

function moreLine(count: number): string[] {
  return count > 0 ? [`… and ${formatCount(count)} more`] : [];
}
