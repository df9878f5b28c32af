import type { Findings } from './finding.ts';
import type { PageFile } from './page-file.ts';
import { PageSet } from './page-set.ts';

const PAGE_HEADER_BYTES = 16;
const ID_BYTES = 8;
const FREELIST_FLAG = 0x10;
/** This count says that the true one stands before the first ID (bbolt: internal/common/page.go, FreelistPageCount). */
const COUNT_IS_FIRST = 0xffff;

/**
 * Compares the list of free pages, where the file has one, with the pages that the trees reach. etcd writes none: then every page that is
 * not reached is free, and nothing can be wrong.
 *
 * @returns How many pages are in use.
 * @throws {AgentError} `FILE_UNREADABLE`
 */
export function checkFreePages(file: PageFile, reached: PageSet, findings: Findings): number {
  const list = file.meta.freelistPage;
  if (list === undefined) return reached.size;
  const freed = readFreelist(file, list, reached, findings);
  if (freed === undefined) return reached.size;
  const { pages } = freed;
  for (let page = 2; page < file.meta.highWaterPage; page += 1) {
    if (reached.has(page) && pages.has(page))
      findings.add('reachable-freed', page, 'it is in use, and in the list of free pages');
    if (!reached.has(page) && !pages.has(page))
      findings.add('unreachable-unfreed', page, 'it is neither in use nor in the list of free pages');
  }
  return reached.size;
}

function readFreelist(
  file: PageFile,
  id: number,
  reached: PageSet,
  findings: Findings,
): { pages: PageSet } | undefined {
  const { pageSizeBytes, highWaterPage } = file.meta;
  if (id < 2 || id >= highWaterPage) {
    findings.add(
      'out-of-bounds',
      id,
      `the list of free pages cannot be there: the last page is ${highWaterPage - 1}`,
    );
    return undefined;
  }
  const header = Buffer.alloc(PAGE_HEADER_BYTES + ID_BYTES);
  file.readInto(header, 0, id * pageSizeBytes);
  const flags = header.readUInt16LE(8);
  const overflow = header.readUInt32LE(12);
  if (header.readBigUInt64LE(0) !== BigInt(id))
    findings.add('page-id', id, `it says that it is page ${header.readBigUInt64LE(0).toString()}`);
  if (flags !== FREELIST_FLAG || id + overflow >= highWaterPage) {
    findings.add(
      'wrong-type',
      id,
      `it should be the list of free pages, and has the flags 0x${flags.toString(16)} and ${overflow} more pages`,
    );
    return undefined;
  }
  for (let page = id; page <= id + overflow; page += 1) {
    if (!reached.add(page))
      findings.add(
        'multiple-references',
        page,
        'it holds the list of free pages, and is referred to by a tree',
      );
  }
  return { pages: readIds(file, { id, header, sizeBytes: (overflow + 1) * pageSizeBytes }, findings) };
}

function readIds(
  file: PageFile,
  { id, header, sizeBytes }: { id: number; header: Buffer; sizeBytes: number },
  findings: Findings,
): PageSet {
  const pages = new PageSet(file.meta.highWaterPage);
  const small = header.readUInt16LE(10);
  const first = PAGE_HEADER_BYTES + (small === COUNT_IS_FIRST ? ID_BYTES : 0);
  const count = small === COUNT_IS_FIRST ? Number(header.readBigUInt64LE(PAGE_HEADER_BYTES)) : small;
  const room = (sizeBytes - first) / ID_BYTES;
  if (count > room) findings.add('element', id, `it claims ${count} free pages, and has room for ${room}`);
  const bytes = Buffer.alloc(Math.min(count, room) * ID_BYTES);
  file.readInto(bytes, 0, id * file.meta.pageSizeBytes + first);
  for (let at = 0; at < bytes.length; at += ID_BYTES) {
    const page = bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
    if (page < 2 || page >= file.meta.highWaterPage)
      findings.add('out-of-bounds', page, 'it is in the list of free pages');
    else if (!pages.add(page))
      findings.add('already-freed', page, 'it is in the list of free pages more than once');
  }
  return pages;
}
