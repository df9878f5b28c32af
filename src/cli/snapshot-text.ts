import { formatBytes, formatCount, formatDuration } from '../base/units.ts';
import type { ControlResult, SaveResult } from '../formats/control.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { Paint } from './paint.ts';
import { formatFields, formatTable, indent } from './table.ts';
import { formatAge } from './times.ts';

const COLUMNS = [
  { header: 'ID' },
  { header: 'TAKEN' },
  { header: 'KIND' },
  { header: 'GRADE' },
  { header: 'REVISION', align: 'right' },
  { header: 'KEYS', align: 'right' },
  { header: 'SIZE', align: 'right' },
] as const;

export function snapshotListText(
  { directory, snapshots, damaged }: ControlResult<'snapshot.list'>,
  nowMs: number,
  paint: Paint,
): string[] {
  const rows = snapshots.map((manifest) => [
    manifest.id,
    formatAge(manifest.takenAt, nowMs),
    manifest.kind,
    paintGrade(manifest.grade, paint),
    formatCount(manifest.revision),
    manifest.keyCount === undefined ? '-' : formatCount(manifest.keyCount),
    formatBytes(manifest.sizeBytes),
  ]);
  const unreadable = damaged.map(({ id, message }) => paint('red', `damaged: ${id}: ${message}`));
  if (rows.length === 0) return [`no snapshots in ${directory}`, ...unreadable];
  return [...formatTable(COLUMNS, rows), ...unreadable];
}

export function saveText(result: SaveResult, verb: string): string[] {
  const { manifest, path, removed } = result;
  const removals = removed.map((id) => `removed by retention: ${id}`);
  if (manifest === undefined) {
    return ['no snapshot taken: nothing changed since the newest proved one', ...removals];
  }
  return [`${verb} ${manifest.id}`, ...indent(formatFields(manifestFields(manifest, path))), ...removals];
}

function manifestFields(
  manifest: SnapshotManifest,
  path: string | undefined,
): (readonly [string, string | undefined])[] {
  const { revision, keyCount, sizeBytes, grade, method, walEntriesNewer, durationMs, sha256 } = manifest;
  return [
    ['revision', formatCount(revision)],
    ['keys', keyCount === undefined ? undefined : formatCount(keyCount)],
    ['size', formatBytes(sizeBytes)],
    ['grade', `${grade}, by ${method}`],
    ['log', walEntriesNewer === undefined ? undefined : newerWords(walEntriesNewer)],
    ['note', manifest.note],
    ['sha256', sha256],
    ['took', durationMs === undefined ? undefined : formatDuration(durationMs)],
    ['path', path],
  ];
}

/** What etcd had written to its log and not to the file, when it was copied. */
function newerWords(entries: number): string {
  if (entries === 0) return 'no log entry is newer than this copy';
  if (entries === 1) return '1 log entry is newer than this copy';
  return `${formatCount(entries)} log entries are newer than this copy`;
}

function paintGrade(grade: string, paint: Paint): string {
  if (grade === 'failed') return paint('red', grade);
  return grade === 'raw' ? paint('yellow', grade) : paint('green', grade);
}
