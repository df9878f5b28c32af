import { formatBytes, formatCount } from '../base/units.ts';
import { idToHex } from '../etcd/wire-numbers.ts';
import type { KeyDifference } from '../mvcc/diff-keys.ts';
import { keyText } from '../mvcc/key-text.ts';
import type { LiveKey } from '../mvcc/live-key.ts';
import { keyFacts, keyFields } from './key-document.ts';
import type { Paint } from './paint.ts';

export type DiffCounts = Readonly<Record<KeyDifference['kind'], number>>;

type Shown = Exclude<KeyDifference, { readonly kind: 'same' }>;

/** `+ key  revision 7, 12 B`; `~` for a key that is in both. */
export function differenceLine(difference: Shown, paint: Paint): string {
  switch (difference.kind) {
    case 'added':
      return paint('green', `+ ${keyText(difference.after.key)}  ${stateText(difference.after)}`);
    case 'removed':
      return paint('red', `- ${keyText(difference.before.key)}  ${stateText(difference.before)}`);
    case 'changed':
    case 'rewritten': {
      const { before, after } = difference;
      return paint('yellow', `~ ${keyText(after.key)}  ${changeText(before, after)}`);
    }
  }
}

export function differenceDocument(difference: Shown): object {
  const { kind } = difference;
  const key = kind === 'removed' ? difference.before.key : difference.after.key;
  return {
    kind,
    ...keyFields(key),
    ...(kind === 'added' ? {} : { before: stateDocument(difference.before) }),
    ...(kind === 'removed' ? {} : { after: stateDocument(difference.after) }),
  };
}

export function summaryLine(
  summary: DiffCounts & {
    readonly before: { readonly name: string; readonly revision: number };
    readonly after: { readonly name: string; readonly revision: number };
  },
): string {
  const { added, removed, changed, rewritten, same, before, after } = summary;
  const counts = [
    `${formatCount(added)} added`,
    `${formatCount(removed)} removed`,
    `${formatCount(changed)} changed`,
    `${formatCount(same + rewritten)} the same`,
  ].join(', ');
  const again = rewritten === 0 ? '' : ` (${formatCount(rewritten)} of them written again)`;
  return `${counts}${again}: from ${side(before)} to ${side(after)}`;
}

function side({ name, revision }: { readonly name: string; readonly revision: number }): string {
  return `${name} at revision ${formatCount(revision)}`;
}

function stateText({ modRevision, valueSizeBytes }: LiveKey): string {
  return `revision ${modRevision}, ${formatBytes(valueSizeBytes)}`;
}

function changeText(before: LiveKey, after: LiveKey): string {
  const leases =
    before.lease === after.lease ? '' : `, ${leaseText(before.lease)} → ${leaseText(after.lease)}`;
  const sizes = `${formatBytes(before.valueSizeBytes)} → ${formatBytes(after.valueSizeBytes)}`;
  return `revision ${before.modRevision} → ${after.modRevision}, ${sizes}${leases}`;
}

function leaseText(lease: bigint): string {
  return lease === 0n ? 'no lease' : `lease ${idToHex(lease)}`;
}

function stateDocument(key: LiveKey): object {
  return { ...keyFacts(key), valueSizeBytes: key.valueSizeBytes };
}
