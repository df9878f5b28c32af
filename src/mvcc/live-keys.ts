import { hash } from 'node:crypto';
import { breathe } from '../base/breathe.ts';
import type { OnBytes } from '../base/hash-file.ts';
import type { PageFile } from '../bbolt/page-file.ts';
import { etcdBucket } from './etcd-bucket.ts';
import { rangeTest, type KeyRange } from './key-range.ts';
import { KeyRun } from './key-run.ts';
import { keyspacePages, type KeyspaceEntry } from './keyspace-entries.ts';
import { liveKeyOf, type KeyState, type LiveKey } from './live-key.ts';
import { mergeRuns } from './merge-runs.ts';
import { requestedRevision } from './requested-revision.ts';
import { SpilledRuns } from './spilled-runs.ts';

export interface LiveKeysOptions {
  /** The newest when absent. */
  readonly revision?: number;
  /** All keys when absent. */
  readonly ranges?: readonly KeyRange[];
  /** Whether each key comes with the hash of its value: for comparing. */
  readonly hashValues?: boolean;
  /** Where what does not fit into memory is put: names of keys, in a file without a name. */
  readonly scratchDirectory: string;
  /** How much memory keys may take before they go there. */
  readonly budgetBytes?: number;
  /** Called before the first key comes, with about how much of the file was read. */
  readonly onBytes?: OnBytes;
  /** Called when it was, and nothing but the keys follows. */
  readonly onRead?: () => void;
}

/** Node's heap grows to some times of it before it is swept. */
export const BUDGET_BYTES = 16 << 20;
/** Between two pauses: some milliseconds of work, so that a signal or a closed pipe is noticed. */
const PAGES_AT_A_TIME = 256;
const KEYS_AT_A_TIME = 1024;

/**
 * The keys that a database holds at a revision, in the order of their bytes.
 *
 * The file keeps changes in the order of revisions, so all of it is read before the first key comes. Memory stays at
 * `budgetBytes` and a little, whatever the size: what is more goes to scratch, sorted, and is merged.
 *
 * @throws {AgentError} `REVISION_COMPACTED`, `REVISION_FUTURE`, `SNAPSHOT_DAMAGED`, `SNAPSHOT_NOT_A_DATABASE`, `FILE_UNREADABLE`;
 *   `NO_SPACE` or `FILE_UNREADABLE` of the scratch directory. An abort throws the signal's reason. Nothing is left behind.
 */
export async function* liveKeys(
  file: PageFile,
  options: LiveKeysOptions,
  signal: AbortSignal,
): AsyncGenerator<LiveKey> {
  const lastRevision = requestedRevision(file, options.revision);
  using spilled = new SpilledRuns(options.scratchDirectory);
  const history = { file, lastRevision, onBytes: options.onBytes };
  const newest = await collect(history, new Collector(options, spilled), signal);
  options.onRead?.();
  let count = 0;
  for (const state of mergeRuns([...spilled.runs(), newest.sorted()])) {
    yield liveKeyOf(state);
    count += 1;
    if (count % KEYS_AT_A_TIME === 0) await breathe(signal);
  }
}

interface History {
  readonly file: PageFile;
  readonly lastRevision: number;
  readonly onBytes: OnBytes | undefined;
}

/** Reads the whole history up to a revision. @returns What is still in memory at its end. */
async function collect(
  { file, lastRevision, onBytes }: History,
  collector: Collector,
  signal: AbortSignal,
): Promise<KeyRun> {
  let pageCount = 0;
  for (const changes of keyspacePages(etcdBucket(file, 'key'), { lastRevision })) {
    for (const change of changes) collector.add(change);
    collector.spillIfLarge();
    pageCount += 1;
    if (pageCount % PAGES_AT_A_TIME !== 0) continue;
    onBytes?.(pageCount * file.meta.pageSizeBytes);
    await breathe(signal);
  }
  signal.throwIfAborted();
  return collector.run;
}

class Collector {
  run = new KeyRun();
  readonly #spilled: SpilledRuns;
  readonly #budgetBytes: number;
  readonly #hashValues: boolean;
  readonly #isWanted: (key: string) => boolean;

  constructor(options: LiveKeysOptions, spilled: SpilledRuns) {
    this.#spilled = spilled;
    this.#budgetBytes = options.budgetBytes ?? BUDGET_BYTES;
    this.#hashValues = options.hashValues ?? false;
    this.#isWanted = options.ranges === undefined ? () => true : rangeTest(options.ranges);
  }

  add(change: KeyspaceEntry): void {
    const key = change.bytes.toString('latin1', change.head.keyStart, change.head.keyEnd);
    if (!this.#isWanted(key)) return;
    // A key that no earlier run has needs no word of its end.
    if (change.isTombstone && this.#spilled.isEmpty) this.run.forget(key);
    else this.run.set(stateAfter(key, change, this.#hashValues));
  }

  spillIfLarge(): void {
    if (this.run.sizeBytes <= this.#budgetBytes) return;
    this.#spilled.add(this.run.sorted());
    this.run = new KeyRun();
  }
}

function stateAfter(key: string, change: KeyspaceEntry, hashValues: boolean): KeyState {
  const { modRevision, sub, isTombstone, head, bytes } = change;
  const { createRevision, version, lease, valueStart, valueEnd } = head;
  return {
    key,
    isDeleted: isTombstone,
    modRevision,
    sub,
    createRevision,
    version,
    lease,
    valueSizeBytes: valueEnd - valueStart,
    valueHash: hashValues ? hash('sha256', bytes.subarray(valueStart, valueEnd), 'binary') : '',
  };
}
