import type { Crc32c } from '../base/crc32c.ts';
import type { Findings } from '../bbolt/finding.ts';
import type { TreePage } from '../bbolt/tree-page.ts';
import { changeNameAt, keyRangeOf, keyValueAt, NOTHING } from './change-name.ts';
import type { CompactionState } from './compaction-state.ts';
import type { KeyValueHead } from './key-value.ts';
import type { RevisionKey } from './revision-key.ts';
import type { Superseded } from './superseded.ts';

/** HashKV, as etcd's members compare it. */
export interface HashKv {
  readonly hash: number;
  /** All changes up to here are in it. */
  readonly revision: number;
  /** Changes up to here are in it only where nothing later superseded them. */
  readonly compactRevision: number;
}

export interface DigestOptions {
  readonly crc: Crc32c;
  /** Later changes are left out. */
  readonly revision: number;
  readonly compaction: CompactionState;
  readonly superseded: Superseded;
  /** etcd leaves superseded changes in where no key lives at all (server/storage/mvcc/hash.go, `len(h.keep) > 0`). */
  readonly leaveOutSuperseded: boolean;
  readonly findings: Findings;
}

/**
 * Takes the leaves of the bucket `key` in their order, and adds up what they hold: HashKV exactly as etcd computes it
 * (server/storage/mvcc/hash.go; the same in 3.4 to 3.7 but for a tombstone at the compacted revision, which 3.4 and 3.5 removed from the
 * file up to 3.4.33 and 3.5.15, and later ones keep and leave out here), live keys, and changes.
 *
 * Live keys are counted without remembering them. Up to the compacted revision nothing but the newest change of each living key is
 * left. After it, a key that is put at version 1 begins to live, and a tombstone ends a life: etcd writes none for an absent key.
 */
export class KeyspaceDigest {
  readonly #options: DigestOptions;
  #liveKeys = 0;
  #changes = 0;
  #tombstones = 0;
  #leftOut = 0;

  constructor(options: DigestOptions) {
    this.#options = options;
    options.crc.update(Buffer.from('key'));
  }

  get liveKeys(): number {
    return this.#liveKeys;
  }

  get changes(): number {
    return this.#changes;
  }

  get tombstones(): number {
    return this.#tombstones;
  }

  /** How many changes were left out of the hash because they were superseded. */
  get leftOut(): number {
    return this.#leftOut;
  }

  addLeaf(leaf: TreePage): void {
    const { bytes, count } = leaf;
    // Bytes that are hashed are given at once as long as they lie one behind the other.
    let [from, until] = [0, 0];
    for (let index = 0; index < count; index += 1) {
      if (!this.#counts(leaf, index)) continue;
      const start = leaf.keyStart(index);
      if (start !== until) {
        if (until > from) this.#options.crc.update(bytes.subarray(from, until));
        from = start;
      }
      until = leaf.valueStart(index) + leaf.valueBytes(index);
    }
    if (until > from) this.#options.crc.update(bytes.subarray(from, until));
  }

  /** Call once, at the end. */
  finish(): HashKv {
    const { crc, revision, compaction } = this.#options;
    return { hash: crc.finish(), revision, compactRevision: compaction.compactRevision };
  }

  /** Counts one change, and says whether it is part of the hash. */
  #counts(leaf: TreePage, index: number): boolean {
    const name = changeNameAt(leaf, index);
    const head = keyValueAt(leaf, index);
    if (name === undefined || head === undefined) {
      this.#note(leaf, index, name === undefined ? 'is no revision' : 'holds no key-value');
      return false;
    }
    if (name.main > this.#options.revision) return false;
    this.#changes += 1;
    if (name.isTombstone) this.#tombstones += 1;
    else if (head.modRevision !== name.main && head !== NOTHING) {
      this.#note(leaf, index, `holds a key-value of revision ${head.modRevision}`);
    }
    if (name.main <= this.#options.compaction.compactRevision) return this.#countKept(leaf, name, head);
    this.#countNew(name, head);
    return true;
  }

  /** Every change after the compacted revision is hashed. */
  #countNew({ isTombstone }: RevisionKey, { version }: KeyValueHead): void {
    if (isTombstone) this.#liveKeys -= 1;
    else if (version === 1) this.#liveKeys += 1;
  }

  #countKept(leaf: TreePage, { main, isTombstone }: RevisionKey, head: KeyValueHead): boolean {
    const { compaction, superseded, leaveOutSuperseded } = this.#options;
    const key = keyRangeOf(leaf, head);
    const isNewest = !isTombstone && superseded.beforeCompaction.get(key) <= main;
    if (isNewest && head !== NOTHING) this.#liveKeys += 1;
    const isKept = isNewest && superseded.afterCompaction.get(key) < 0;
    if (isKept) return true;
    this.#leftOut += 1;
    return !leaveOutSuperseded && !(isTombstone && main === compaction.compactRevision);
  }

  #note(leaf: TreePage, index: number, found: string): void {
    const name = leaf.key(index).toString('hex', 0, 20);
    this.#options.findings.add('entry', leaf.id, `element ${index} (${name}) of the bucket "key" ${found}`);
  }
}
