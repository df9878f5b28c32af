import { checkFreePages } from './check-free-pages.ts';
import { checkTree, DEEPEST_LEVEL } from './check-tree.ts';
import { Findings } from './finding.ts';
import { decodeBucket, decodeInline } from './bucket.ts';
import type { PageFile } from './page-file.ts';
import { PageSet } from './page-set.ts';
import { TreePage } from './tree-page.ts';

export interface DatabaseVisitor {
  /**
   * A sound leaf of a bucket, in the order of keys, one bucket after the other. It is gone when this returns.
   *
   * @param bucket - Names from the outermost on; none for the bucket of the named ones.
   */
  readonly onLeaf: (bucket: readonly string[], leaf: TreePage) => void;
  /** That a bucket follows: the leaves of an empty one may be none. */
  readonly onBucket?: (bucket: readonly string[]) => void;
}

export interface DatabaseCheck {
  readonly findings: Findings;
  /** Pages that hold something, the metas included. */
  readonly pagesInUse: number;
  readonly pages: number;
}

const META_FLAG = 0x04;

/** A bucket that a leaf named, to be visited after the tree it is in. */
interface Named {
  readonly name: string;
  readonly page: number;
  readonly value: Buffer;
}

/**
 * Reads every page that a database uses, once, and notes everything that is wrong with it.
 *
 * @param visit - Makes the visitor, which may add findings of its own to those of the structure.
 * @throws {AgentError} `FILE_UNREADABLE` when the disk fails, and whatever the visitor throws.
 */
export function checkDatabase(
  file: PageFile,
  visit: (findings: Findings) => DatabaseVisitor = () => ({ onLeaf: () => undefined }),
): DatabaseCheck {
  const check = new Check(file, visit);
  check.metaPages();
  check.tree([], file.meta.rootPage);
  const { findings, reached } = check;
  const pagesInUse = checkFreePages(file, reached, findings);
  return { findings, pagesInUse, pages: file.meta.highWaterPage };
}

class Check {
  readonly findings = new Findings();
  readonly reached: PageSet;
  readonly #file: PageFile;
  readonly #visitor: DatabaseVisitor;

  constructor(file: PageFile, visit: (findings: Findings) => DatabaseVisitor) {
    this.#file = file;
    this.#visitor = visit(this.findings);
    this.reached = new PageSet(file.meta.highWaterPage);
    this.reached.add(0);
    this.reached.add(1);
  }

  /** Their headers, which no checksum covers and newer releases of bbolt insist on. That one meta is broken is no finding: a crash does that. */
  metaPages(): void {
    const { pageSizeBytes } = this.#file.meta;
    for (const page of [0, 1]) {
      const header = this.#file.metaPages.bytes.subarray(page * pageSizeBytes);
      const [named, flags] = [header.readBigUInt64LE(0), header.readUInt16LE(8)];
      if (named !== BigInt(page))
        this.findings.add('page-id', page, `it says that it is page ${named.toString()}`);
      if (flags !== META_FLAG) {
        this.findings.add(
          'wrong-type',
          page,
          `its flags are 0x${flags.toString(16)}, not those of a meta page`,
        );
      }
    }
  }

  tree(path: readonly string[], rootPage: number): void {
    const inside: Named[] = [];
    const { findings, reached } = this;
    const onLeaf = (leaf: TreePage): void => {
      collectBuckets(leaf, inside);
      this.#visitor.onLeaf(path, leaf);
    };
    checkTree({ file: this.#file, findings, reached, onLeaf }, rootPage);
    this.#buckets(path, inside);
  }

  #buckets(path: readonly string[], buckets: readonly Named[]): void {
    for (const { name, page, value } of buckets) {
      const inner = [...path, name];
      this.#visitor.onBucket?.(inner);
      const decoded = decodeBucket(value, this.#file.meta);
      if (typeof decoded === 'string')
        this.findings.add('bucket', page, `${decoded} (${JSON.stringify(name)})`);
      else if (inner.length === DEEPEST_LEVEL)
        this.findings.add('too-deep', page, `its buckets lie ${inner.length} deep`);
      else if ('page' in decoded) this.tree(inner, decoded.page);
      else this.#inline(inner, page, decoded.inline);
    }
  }

  #inline(path: readonly string[], id: number, bytes: Buffer): void {
    const leaf = decodeInline(id, bytes);
    const inside: Named[] = [];
    if (!(leaf instanceof TreePage)) this.findings.add(leaf.kind, id, leaf.message);
    else if (leaf.firstOutOfOrder() >= 0)
      this.findings.add('key-order', id, 'the keys of an inline bucket in it do not ascend');
    else {
      collectBuckets(leaf, inside);
      this.#visitor.onLeaf(path, leaf);
      this.#buckets(path, inside);
    }
  }
}

function collectBuckets(leaf: TreePage, into: Named[]): void {
  for (let index = 0; index < leaf.count; index += 1) {
    if (!leaf.isBucket(index)) continue;
    into.push({ name: leaf.key(index).toString(), page: leaf.id, value: Buffer.from(leaf.value(index)) });
  }
}
