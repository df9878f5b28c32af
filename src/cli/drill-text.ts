import { formatBytes, formatCount, formatDuration } from '../base/units.ts';
import type { DrillResult } from '../formats/control.ts';
import type { Paint } from './paint.ts';
import { formatFields, indent } from './table.ts';

const READ_FROM = {
  etcd: 'as etcd answered',
  file: 'as etcd left it in its file: with authentication on, it shows its data to nobody here',
} as const;

export function drillText(result: DrillResult, paint: Paint): string[] {
  const { manifest, etcdVersion, tool, served, readFrom, durationMs } = result;
  const { revision, keyCount, hash } = served;
  return [
    `${paint('green', 'booted')}  ${manifest.id}`,
    ...indent(
      formatFields([
        ['etcd', `${etcdVersion}, restored by ${tool}`],
        ['revision', formatCount(revision)],
        ['keys', `${formatCount(keyCount)}, ${READ_FROM[readFrom]}`],
        ['hashkv', String(hash)],
        ['size', formatBytes(manifest.sizeBytes)],
        ['took', formatDuration(durationMs)],
      ]),
    ),
  ];
}
