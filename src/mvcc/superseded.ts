import type { Bucket } from '../bbolt/bucket.ts';
import { leaves } from '../bbolt/cursor.ts';
import type { TreePage } from '../bbolt/tree-page.ts';
import { changeNameAt, keyRangeOf, keyValueAt } from './change-name.ts';
import type { CompactionState } from './compaction-state.ts';
import { KeyTable } from './key-table.ts';
import type { KeyValueHead } from './key-value.ts';
import type { RevisionKey } from './revision-key.ts';

/** Which keys have changes that take the place of older ones that are still in the file. */
export interface Superseded {
  /** The newest change up to the compacted revision, of keys that changed while that compaction was not finished. */
  readonly beforeCompaction: KeyTable;
  /** Keys that changed after the compacted revision, and were there before. */
  readonly afterCompaction: KeyTable;
}

/**
 * Reads what changed since the last finished compaction, and remembers the keys whose older changes may still be there: as much memory
 * as the keys that were overwritten or deleted since, not those that were created.
 *
 * @param revision - Later changes are not looked at.
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export function findSuperseded(keys: Bucket, compaction: CompactionState, revision: number): Superseded {
  const { compactRevision, finishedRevision } = compaction;
  const [beforeCompaction, afterCompaction] = [new KeyTable(), new KeyTable()];
  if (compactRevision < 0) return { beforeCompaction, afterCompaction };
  const from = Buffer.alloc(8);
  from.writeBigUInt64BE(BigInt(finishedRevision + 1));
  for (const leaf of leaves(keys, { from })) {
    for (let index = 0; index < leaf.count; index += 1) {
      const change = changeAt(leaf, index, finishedRevision);
      if (change === undefined) continue;
      const { main, head, isTombstone } = change;
      if (main > revision) return { beforeCompaction, afterCompaction };
      if (main <= compactRevision) beforeCompaction.set(keyRangeOf(leaf, head), main);
      // A key that was created later had no change before.
      else if (isTombstone || head.createRevision <= compactRevision) {
        afterCompaction.set(keyRangeOf(leaf, head), main);
      }
    }
  }
  return { beforeCompaction, afterCompaction };
}

/** `undefined` up to `finishedRevision`, and for damage: that is noted where every leaf is looked at. */
function changeAt(
  leaf: TreePage,
  index: number,
  finishedRevision: number,
): (RevisionKey & { head: KeyValueHead }) | undefined {
  const name = changeNameAt(leaf, index);
  if (name === undefined || name.main <= finishedRevision) return undefined;
  const head = keyValueAt(leaf, index);
  return head && { ...name, head };
}
