import { AgentError } from '../base/agent-error.ts';
import type { Finding, Findings } from './finding.ts';
import type { PageFile } from './page-file.ts';
import type { PageSet } from './page-set.ts';
import { PageWindow } from './page-window.ts';
import { TreePage } from './tree-page.ts';

/** bbolt packs dozens of children into a page: a true tree of this depth would not fit any disk. */
export const DEEPEST_LEVEL = 32;

export interface TreeCheck {
  readonly file: PageFile;
  readonly findings: Findings;
  /** Every page that a tree reached so far, those that continue others included. */
  readonly reached: PageSet;
  /** A sound leaf, in the order of keys. It is gone when this returns. */
  readonly onLeaf: (leaf: TreePage) => void;
}

/** Of the branch above: no key below may be smaller, or as large as the second. */
interface Bounds {
  readonly least: Buffer | undefined;
  readonly beyond: Buffer | undefined;
}

/**
 * Visits every page of one tree once, in the order of its keys, and notes all that is wrong with it: at least what bbolt's own check does
 * (bbolt: tx_check.go), and elements that do not lie one behind the other, which no bbolt writes. Below a page that is not sound it does not look.
 *
 * @throws {AgentError} `FILE_UNREADABLE` when the disk fails.
 */
export function checkTree(check: TreeCheck, rootPage: number): void {
  new Walk(check).visit(rootPage, 0, { least: undefined, beyond: undefined });
}

class Walk {
  readonly #check: TreeCheck;
  readonly #window: PageWindow;
  readonly #leaf = new TreePage();
  /** All leaves of a tree are at one level, and only they are worth reading ahead for. Wrong only costs time. */
  #leafLevel = -1;

  constructor(check: TreeCheck) {
    this.#check = check;
    this.#window = new PageWindow(check.file);
  }

  visit(id: number, level: number, bounds: Bounds): void {
    const page = this.#read(id, level);
    if (page === undefined) return;
    const disorder = page.firstOutOfOrder();
    if (disorder >= 0) {
      this.#note(
        'key-order',
        id,
        `key ${disorder} (${shown(page.key(disorder))}) is not larger than the one before it`,
      );
    }
    this.#requireBounds(page, bounds);
    if (page.isLeaf) {
      this.#leafLevel = level;
      if (disorder < 0) this.#check.onLeaf(page);
      // bbolt removes a page that lost its last key; only a whole tree can be empty.
      if (page.count === 0 && level > 0)
        this.#note('element', id, 'it is a leaf without keys below a branch');
    } else this.#descend(page, level, bounds);
  }

  #descend(branch: TreePage, level: number, { beyond }: Bounds): void {
    if (level + 1 === DEEPEST_LEVEL) {
      this.#note('too-deep', branch.id, `it is a branch ${level} levels below the root`);
      return;
    }
    for (let index = 0; index < branch.count; index += 1) {
      const next = index + 1 < branch.count ? branch.key(index + 1) : beyond;
      this.visit(branch.child(index), level + 1, { least: branch.key(index), beyond: next });
    }
  }

  #requireBounds(page: TreePage, { least, beyond }: Bounds): void {
    if (page.count === 0) return;
    if (least !== undefined && page.key(0).compare(least) < 0) {
      this.#note(
        'key-order',
        page.id,
        `its first key (${shown(page.key(0))}) is smaller than that of the branch above (${shown(least)})`,
      );
    }
    const last = page.key(page.count - 1);
    if (beyond !== undefined && last.compare(beyond) >= 0) {
      this.#note(
        'key-order',
        page.id,
        `its last key (${shown(last)}) is not smaller than the next one of the branch above (${shown(beyond)})`,
      );
    }
  }

  /** A page that was not reached before and is sound; the reasons of any other are noted. */
  #read(id: number, level: number): TreePage | undefined {
    const { file, reached } = this.#check;
    const { highWaterPage } = file.meta;
    if (id < 2 || id >= highWaterPage) {
      this.#note('out-of-bounds', id, `the pages of the trees are 2 to ${highWaterPage - 1}`);
      return undefined;
    }
    // Before anything else: this is what ends a loop.
    if (!reached.add(id)) {
      this.#note('multiple-references', id, 'it is referred to more than once');
      return undefined;
    }
    try {
      return level === this.#leafLevel ? this.#readAhead(id) : this.#readAlone(id);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'SNAPSHOT_DAMAGED') throw error;
      this.#note('out-of-bounds', id, error.message);
      return undefined;
    }
  }

  #readAlone(id: number): TreePage | undefined {
    return this.#judge(id, new PageWindow(this.#check.file, 0), new TreePage());
  }

  #readAhead(id: number): TreePage | undefined {
    return this.#judge(id, this.#window, this.#leaf);
  }

  #judge(id: number, window: PageWindow, page: TreePage): TreePage | undefined {
    const { file } = this.#check;
    const header = window.load(id, file.meta.pageSizeBytes);
    const { problem, sizeBytes } = file.judgeHeader(id, header.from, header.start);
    const { from, start } = problem === undefined ? window.load(id, sizeBytes) : header;
    const wrong = problem ?? page.judge(id, from, start, sizeBytes);
    window.use(sizeBytes);
    if (wrong !== undefined) this.#note(wrong.kind, id, wrong.found);
    else if (this.#reachOverflow(id, sizeBytes)) return page;
    return undefined;
  }

  #reachOverflow(id: number, sizeBytes: number): boolean {
    const pages = sizeBytes / this.#check.file.meta.pageSizeBytes;
    for (let next = id + 1; next < id + pages; next += 1) {
      if (this.#check.reached.add(next)) continue;
      this.#note('multiple-references', next, `it continues page ${id}, and is referred to by another`);
      return false;
    }
    return true;
  }

  #note(kind: Finding['kind'], page: number, found: string): void {
    this.#check.findings.add(kind, page, found);
  }
}

/** Keys are bytes, and may be long or secret: the first few in hex. */
function shown(key: Buffer): string {
  const hex = key.toString('hex', 0, 20);
  return key.length > 20 ? `${hex}… (${key.length} bytes)` : hex;
}
