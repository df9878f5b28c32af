import { formatBytes, formatCount } from '../base/units.ts';
import type { ControlResult } from '../formats/control.ts';
import type { Paint } from './paint.ts';
import { formatFields, indent } from './table.ts';
import type { VerifiedFile } from './verify-files.ts';

export type VerifiedSnapshot = ControlResult<'snapshot.verify'>['verified'][number];

/** The line that says why has the first ones already. */
const FINDINGS_SAID = 3;
const FINDINGS_SHOWN = 20;
const TRAILERS = {
  fits: 'compared: it is the SHA-256 of the bytes before it',
  differs: 'it is not the SHA-256 of the bytes before it',
  absent: 'none: only the structure was proved',
} as const;

/** One line for each snapshot, and under a file what was found in it. */
export function verifyText(
  { verified }: { readonly verified: readonly (VerifiedSnapshot | VerifiedFile)[] },
  paint: Paint,
): string[] {
  return verified.flatMap((each) => {
    const word = each.ok ? paint('green', 'sound') : paint('red', 'FAILED');
    const what = 'path' in each ? [each.path] : [each.id, each.grade];
    const why = each.failure === undefined ? [] : [each.failure.message];
    const line = [word, ...what, ...why].join('  ');
    if ('path' in each) return [line, ...indent([...formatFields(fieldsOf(each)), ...findingLines(each)])];
    return [line];
  });
}

function fieldsOf(file: VerifiedFile): (readonly [string, string | undefined])[] {
  const { revision, compactRevision = -1, keyCount, hashKv } = file;
  const compacted = compactRevision < 0 ? '' : `, compacted up to ${formatCount(compactRevision)}`;
  return [
    ['sha256', file.sha256],
    ['trailer', TRAILERS[file.trailer]],
    ['size', formatBytes(file.sizeBytes)],
    ['revision', revision === undefined ? undefined : `${formatCount(revision)}${compacted}`],
    ['keys', keyCount === undefined ? undefined : formatCount(keyCount)],
    ['hashkv', hashKv && String(hashKv.hash)],
    ['findings', file.findingCount === 0 ? 'none' : formatCount(file.findingCount)],
  ];
}

function findingLines({ findings, findingCount }: VerifiedFile): string[] {
  if (findingCount <= FINDINGS_SAID) return [];
  const shown = findings.slice(0, FINDINGS_SHOWN);
  const hidden = findingCount - shown.length;
  return indent([
    ...shown,
    ...(hidden > 0 ? [`and ${formatCount(hidden)} more: -o json has the first thousand`] : []),
  ]);
}
