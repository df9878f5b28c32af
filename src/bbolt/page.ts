import { damagedPage } from './damage.ts';

/** A page of a tree, with those that continue it (bbolt: internal/common/page.go). Nothing in it has been believed yet. */
export interface Page {
  readonly id: number;
  readonly kind: 'branch' | 'leaf';
  readonly count: number;
  readonly bytes: Buffer;
}

export interface BranchElement {
  /** No key below `child` is smaller. */
  readonly key: Buffer;
  readonly child: number;
}

export interface LeafElement {
  readonly key: Buffer;
  readonly value: Buffer;
  /** The value is the head of a bucket inside this one. */
  readonly isBucket: boolean;
}

const PAGE_HEADER_BYTES = 16;
const ELEMENT_BYTES = 16;
const BRANCH_FLAG = 0x01;
const LEAF_FLAG = 0x02;
const BUCKET_LEAF_FLAG = 0x01;

/** How many pages follow that belong to this one. `header` has at least 16 bytes. */
export function overflowOf(header: Buffer): number {
  return header.readUInt32LE(12);
}

/** @throws {AgentError} `SNAPSHOT_DAMAGED` when the header is of a meta, of a list of free pages, or of nothing. */
export function requireTreePage(header: Buffer, id: number): Page['kind'] {
  const flags = header.readUInt16LE(8);
  if (flags === BRANCH_FLAG) return 'branch';
  if (flags === LEAF_FLAG) return 'leaf';
  throw damagedPage(id, `its flags are 0x${flags.toString(16)}, not those of a branch or leaf`);
}

/**
 * Reads a page's header and proves that its elements lie inside it. Elements are proved one by one as they are read.
 *
 * @param bytes - The page and those that continue it, or an inline page inside a value.
 * @throws {AgentError} `SNAPSHOT_DAMAGED`
 */
export function parsePage(bytes: Buffer, id: number): Page {
  if (bytes.length < PAGE_HEADER_BYTES) throw damagedPage(id, `it has ${bytes.length} bytes`);
  const kind = requireTreePage(bytes, id);
  const count = bytes.readUInt16LE(10);
  if (kind === 'branch' && count === 0) throw damagedPage(id, 'it is a branch without children');
  const neededBytes = PAGE_HEADER_BYTES + count * ELEMENT_BYTES;
  if (neededBytes > bytes.length) {
    throw damagedPage(id, `${count} elements need ${neededBytes} bytes, and it has ${bytes.length}`);
  }
  return { id, kind, count, bytes };
}

/** @throws {AgentError} `SNAPSHOT_DAMAGED` when its key is not inside the page. */
export function branchElement(page: Page, index: number): BranchElement {
  const at = elementOffset(page, index);
  const keyStart = at + page.bytes.readUInt32LE(at);
  const key = slice(page, index, keyStart, page.bytes.readUInt32LE(at + 4));
  const child = page.bytes.readBigUInt64LE(at + 8);
  if (child > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw damagedPage(page.id, `child ${index} is page ${child.toString()}`);
  }
  return { key, child: Number(child) };
}

/** @throws {AgentError} `SNAPSHOT_DAMAGED` when its key or value is not inside the page. */
export function leafElement(page: Page, index: number): LeafElement {
  const at = elementOffset(page, index);
  const keyBytes = page.bytes.readUInt32LE(at + 8);
  const keyStart = at + page.bytes.readUInt32LE(at + 4);
  const key = slice(page, index, keyStart, keyBytes);
  const value = slice(page, index, keyStart + keyBytes, page.bytes.readUInt32LE(at + 12));
  const flags = page.bytes.readUInt32LE(at);
  if (flags !== 0 && flags !== BUCKET_LEAF_FLAG) {
    throw damagedPage(page.id, `element ${index} has the flags 0x${flags.toString(16)}`);
  }
  return { key, value, isBucket: flags === BUCKET_LEAF_FLAG };
}

/** The key alone, of either kind of page. */
export function keyAt(page: Page, index: number): Buffer {
  return page.kind === 'branch' ? branchElement(page, index).key : leafElement(page, index).key;
}

function elementOffset(page: Page, index: number): number {
  return PAGE_HEADER_BYTES + index * ELEMENT_BYTES;
}

function slice(page: Page, index: number, start: number, length: number): Buffer {
  const dataStart = PAGE_HEADER_BYTES + page.count * ELEMENT_BYTES;
  if (start >= dataStart && start + length <= page.bytes.length)
    return page.bytes.subarray(start, start + length);
  throw damagedPage(
    page.id,
    `element ${index} claims ${length} bytes at ${start}, and the data is at ${dataStart} to ${page.bytes.length}`,
  );
}
