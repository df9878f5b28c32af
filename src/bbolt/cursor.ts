import { lastNotAfter, readRoot, type Bucket } from './bucket.ts';
import { DEEPEST_LEVEL } from './check-tree.ts';
import { damagedPage } from './damage.ts';
import type { TreePage } from './tree-page.ts';

export interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
  /** The value is the head of a bucket inside this one. */
  readonly isBucket: boolean;
}

/**
 * The largest key of a bucket, or `undefined` when it is empty. Reads one page per level.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export function lastKey(bucket: Bucket): Buffer | undefined {
  for (const page of leaves(bucket, { isBackwards: true })) {
    if (page.count > 0) return page.key(page.count - 1);
  }
  return undefined;
}

export interface LeafOrder {
  /** Begins with the leaf that holds this key, or would; at the first one without. */
  readonly from?: Buffer;
  /** From the last leaf to the first. */
  readonly isBackwards?: boolean;
}

interface Position {
  readonly page: TreePage;
  next: number;
}

/**
 * The leaves of a bucket in the order of their keys. Holds one page per level; each leaf is in memory of its own.
 *
 * A damaged file cannot keep it busy: keys must ascend, levels are limited, and no more pages are read than there are.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export function* leaves(bucket: Bucket, { from, isBackwards = false }: LeafOrder = {}): Generator<TreePage> {
  const order = new LeafWalk(bucket, isBackwards);
  yield* order.walk(from);
}

class LeafWalk {
  readonly #bucket: Bucket;
  readonly #isBackwards: boolean;
  #pagesLeft: number;
  #previous: Buffer | undefined;

  constructor(bucket: Bucket, isBackwards: boolean) {
    this.#bucket = bucket;
    this.#isBackwards = isBackwards;
    this.#pagesLeft = bucket.file.meta.highWaterPage;
  }

  *walk(from: Buffer | undefined): Generator<TreePage> {
    const path: Position[] = [this.#enter(readRoot(this.#bucket), from)];
    // Only on the way down to the first leaf does it matter where to begin.
    let seeking = from;
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { page } = top;
      if (page.isLeaf) {
        this.#requireOrder(page);
        path.pop();
        seeking = undefined;
        yield page;
      } else if (top.next < 0 || top.next === page.count) path.pop();
      else {
        const child = this.#readChild(page, top.next, path.length);
        top.next += this.#isBackwards ? -1 : 1;
        path.push(this.#enter(child, seeking));
      }
    }
  }

  #enter(page: TreePage, from: Buffer | undefined): Position {
    if (page.firstOutOfOrder() >= 0) throw damagedPage(page.id, 'its keys do not ascend');
    if (from !== undefined) return { page, next: Math.max(0, lastNotAfter(page, from)) };
    return { page, next: this.#isBackwards ? page.count - 1 : 0 };
  }

  #readChild(page: TreePage, index: number, level: number): TreePage {
    if (level === DEEPEST_LEVEL)
      throw damagedPage(page.id, `it is a branch ${DEEPEST_LEVEL} levels below the root`);
    this.#pagesLeft -= 1;
    if (this.#pagesLeft < 0) throw damagedPage(page.id, 'the tree has more pages than the file');
    const child = this.#bucket.file.readPage(page.child(index));
    // bbolt removes a page that lost its last key; only a whole bucket can be empty.
    if (child.count === 0) throw damagedPage(child.id, 'it is a leaf without keys below a branch');
    return child;
  }

  #requireOrder(page: TreePage): void {
    if (page.count === 0) return;
    const [first, last] = [page.key(0), page.key(page.count - 1)];
    const [near, far] = this.#isBackwards ? [last, first] : [first, last];
    const step = this.#previous?.compare(near) ?? 0;
    if (this.#previous !== undefined && (this.#isBackwards ? step <= 0 : step >= 0)) {
      throw damagedPage(page.id, 'its keys do not follow those of the leaf before it');
    }
    this.#previous = far;
  }
}

/**
 * All elements of a bucket in the order of their keys, buckets inside it included but not entered. Their bytes are views into pages.
 *
 * @throws {AgentError} as `leaves`.
 */
export function* entries(bucket: Bucket, order: LeafOrder = {}): Generator<Entry> {
  for (const page of leaves(bucket, order)) {
    for (let index = 0; index < page.count; index += 1) {
      yield { key: page.key(index), value: page.value(index), isBucket: page.isBucket(index) };
    }
  }
}
