import type { AgentError } from '../base/agent-error.ts';
import { readValue, type Bucket } from '../bbolt/bucket.ts';
import { leaves } from '../bbolt/cursor.ts';
import type { TreePage } from '../bbolt/tree-page.ts';
import { changeNameAt, keyValueAt } from './change-name.ts';
import { damagedKeyspace, shownBytes } from './damaged-keyspace.ts';
import { parseKeyValue, type KeyValueHead } from './key-value.ts';
import { revisionKeyOf, subRevisionAt } from './revision-key.ts';

/** Which change of the history: the revision, and its place within the transaction of that revision. */
export interface ChangePlace {
  readonly modRevision: number;
  readonly sub: number;
}

/** A change of one key, as the bucket `key` keeps it. */
export interface KeyspaceEntry extends ChangePlace {
  readonly isTombstone: boolean;
  readonly head: KeyValueHead;
  /** What the offsets of `head` are into. */
  readonly bytes: Buffer;
}

interface History {
  /** Changes after it are left out. */
  readonly lastRevision: number;
  /** From the newest to the oldest. */
  readonly isBackwards?: boolean;
}

/**
 * All changes that are kept, those of one page at a time, so that a caller can pause in between.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export function* keyspacePages(bucket: Bucket, history: History): Generator<Iterable<KeyspaceEntry>> {
  const { lastRevision, isBackwards = false } = history;
  const from = revisionKeyOf(lastRevision + 1, 0);
  for (const page of leaves(bucket, isBackwards ? { from, isBackwards } : {})) {
    if (!isBackwards && page.count > 0 && nameAt(page, 0).modRevision > lastRevision) return;
    yield changesOf(page, lastRevision, isBackwards);
  }
}

/**
 * Reads one change again.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED` when it is not there; `FILE_UNREADABLE`.
 */
export function readChange(bucket: Bucket, place: ChangePlace): KeyspaceEntry {
  const bytes = readValue(bucket, revisionKeyOf(place.modRevision, place.sub));
  if (bytes === undefined) throw damagedChange(place, 'is not there');
  const head = parseKeyValue(bytes);
  if (head === undefined) throw damagedChange(place, 'is no key-value');
  return { modRevision: place.modRevision, sub: place.sub, isTombstone: false, head, bytes };
}

function* changesOf(page: TreePage, lastRevision: number, isBackwards: boolean): Generator<KeyspaceEntry> {
  const { count } = page;
  for (let turn = 0; turn < count; turn += 1) {
    const index = isBackwards ? count - 1 - turn : turn;
    // A restore tool that raised the revision leaves a change with nothing in it.
    if (page.valueBytes(index) === 0) continue;
    const name = nameAt(page, index);
    if (name.modRevision <= lastRevision) yield changeAt(page, index, name);
  }
}

function changeAt(page: TreePage, index: number, name: Named): KeyspaceEntry {
  const head = keyValueAt(page, index);
  if (head === undefined) throw damagedChange(name, 'is no key-value');
  if (!name.isTombstone && head.modRevision !== name.modRevision) {
    throw damagedChange(name, `says that it is of revision ${head.modRevision}`);
  }
  const { modRevision, sub, isTombstone } = name;
  return { modRevision, sub, isTombstone, head, bytes: page.bytes };
}

type Named = ChangePlace & { readonly isTombstone: boolean };

function nameAt(page: TreePage, index: number): Named {
  const name = changeNameAt(page, index);
  const sub = name && subRevisionAt(page.bytes, page.keyStart(index));
  if (name !== undefined && sub !== undefined && sub <= Number.MAX_SAFE_INTEGER) {
    return { modRevision: name.main, sub, isTombstone: name.isTombstone };
  }
  throw damagedKeyspace(`${shownBytes(page.key(index))} in page ${page.id} is no revision`);
}

function damagedChange({ modRevision, sub }: ChangePlace, found: string): AgentError {
  return damagedKeyspace(`change ${sub} of revision ${modRevision} ${found}`);
}
