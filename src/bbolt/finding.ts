/** What can be wrong with a database; the first eight are what bbolt's own check looks for (bbolt: tx_check.go). */
export type FindingKind =
  | 'out-of-bounds'
  | 'multiple-references'
  | 'wrong-type'
  | 'key-order'
  | 'already-freed'
  | 'reachable-freed'
  | 'unreachable-unfreed'
  | 'page-id'
  /** Elements that do not lie one behind the other in their page. */
  | 'element'
  | 'bucket'
  | 'too-deep'
  /** What etcd itself would not have written. */
  | 'entry';

export interface Finding {
  readonly kind: FindingKind;
  readonly page: number;
  /** The whole sentence, page included. */
  readonly message: string;
}

/** More tell nothing new: they are counted, and not kept. */
const MOST_KEPT = 1000;

/** Collects what is wrong: the first thousand findings, and the number of all. */
export class Findings {
  readonly #kept: Finding[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get first(): readonly Finding[] {
    return this.#kept;
  }

  add(kind: FindingKind, page: number, found: string): void {
    this.#count += 1;
    if (this.#kept.length < MOST_KEPT) this.#kept.push({ kind, page, message: `page ${page}: ${found}` });
  }
}
