import { DEEPEST_LEVEL, readRoot, type Bucket } from './bucket.ts';
import { damagedPage } from './damage.ts';
import { branchElement, leafElement, type LeafElement, type Page } from './page.ts';

/**
 * The largest key of a bucket, or `undefined` when it is empty. Reads one page per level.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`.
 */
export async function lastKey(bucket: Bucket): Promise<Buffer | undefined> {
  let page = await readRoot(bucket);
  for (let level = 0; level < DEEPEST_LEVEL; level += 1) {
    if (page.kind === 'leaf') {
      if (page.count > 0) return leafElement(page, page.count - 1).key;
      // bbolt removes a page that lost its last key; only a whole bucket can be empty.
      if (level > 0) throw damagedPage(page.id, 'it is a leaf without keys below a branch');
      return undefined;
    }
    page = await bucket.database.readPage(branchElement(page, page.count - 1).child);
  }
  throw damagedPage(page.id, `it is ${DEEPEST_LEVEL} levels below the root`);
}

interface Position {
  readonly page: Page;
  next: number;
}

/**
 * All elements of a bucket in the order of their keys, buckets inside it included but not entered. Holds one page per
 * level. Their bytes are views into those pages: copy what is kept.
 *
 * A damaged file cannot keep it busy: keys must ascend, levels are limited, and no more pages are read than there are.
 *
 * @throws {AgentError} `SNAPSHOT_DAMAGED`; `FILE_UNREADABLE`. An abort throws the signal's reason.
 */
export async function* entries(bucket: Bucket, signal: AbortSignal): AsyncGenerator<LeafElement> {
  const path: Position[] = [{ page: await readRoot(bucket), next: 0 }];
  let pagesLeft = bucket.database.meta.highWaterPage;
  let previous: Buffer | undefined;
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const { page } = top;
    if (top.next === page.count) {
      path.pop();
    } else if (page.kind === 'leaf') {
      const element = leafElement(page, top.next);
      requireOrder(page, previous, element.key);
      previous = element.key;
      top.next += 1;
      yield element;
    } else {
      signal.throwIfAborted();
      if (path.length === DEEPEST_LEVEL) {
        throw damagedPage(page.id, `it is a branch ${DEEPEST_LEVEL} levels below the root`);
      }
      pagesLeft -= 1;
      if (pagesLeft < 0) throw damagedPage(page.id, 'the tree has more pages than the file');
      const { child } = branchElement(page, top.next);
      top.next += 1;
      path.push({ page: await bucket.database.readPage(child), next: 0 });
    }
  }
}

function requireOrder(page: Page, previous: Buffer | undefined, key: Buffer): void {
  if (previous === undefined || previous.compare(key) < 0) return;
  throw damagedPage(page.id, `the key ${shown(key)} follows ${shown(previous)}`);
}

/** Keys are bytes, and may be long or secret: the first few in hex. */
function shown(key: Buffer): string {
  const hex = key.toString('hex', 0, 20);
  return key.length > 20 ? `${hex}… (${key.length} bytes)` : hex;
}
