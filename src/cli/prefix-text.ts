import { formatBytes, formatCount } from '../base/units.ts';
import type { TopPrefix, TopPrefixes } from './inspection.ts';
import { formatTable } from './table.ts';

const COLUMNS = [
  { header: 'PREFIX' },
  { header: 'BYTES', align: 'right' },
  { header: 'REVISIONS', align: 'right' },
] as const;

/** Both lists, one below the other. */
export function prefixLines({ byBytes, byRevisions, missingBytes, missingRevisions }: TopPrefixes): string[] {
  const isExact = missingRevisions === 0;
  return [
    '',
    'largest prefixes by bytes',
    ...formatTable(COLUMNS, byBytes.map(row)),
    '',
    'largest prefixes by revisions',
    ...formatTable(COLUMNS, byRevisions.map(row)),
    ...(isExact
      ? []
      : [
          `there are too many prefixes to count all: each may have up to ${formatBytes(missingBytes)} and ${formatCount(missingRevisions)} revisions more`,
        ]),
  ];
}

function row({ prefix, bytes, revisions }: TopPrefix): string[] {
  return [prefix === '' ? '(no slash)' : prefix, formatBytes(bytes), formatCount(revisions)];
}
