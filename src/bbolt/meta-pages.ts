import { AgentError } from '../base/agent-error.ts';
import { looksLikeMeta, META_PAGE_BYTES, PAGE_SIZES, readMeta, type Meta } from './meta.ts';
import { openForReading } from './readable-file.ts';

/** The first two pages, which take turns as the end of each transaction. */
export interface MetaPages {
  readonly newest: Meta;
  /** Both pages, as they are in the file. */
  readonly bytes: Buffer;
}

/** Enough of a file to hold both metas, whatever its page size. */
export const HEAD_BYTES = 2 * 65536;

/**
 * Finds both metas at the beginning of a file or stream, of which one may be broken: a crash can tear the page that was
 * being written, and the other one then holds.
 *
 * @param head - The first bytes, as many as there are so far.
 * @returns `undefined` while more bytes are needed; 128 KiB are always enough.
 * @throws {AgentError} `SNAPSHOT_NOT_A_DATABASE` when nothing here looks like a meta; `SNAPSHOT_DAMAGED` when none is valid.
 */
export function decodeMetaPages(head: Buffer): MetaPages | undefined {
  const first = readMeta(head, 0);
  const neededBytes = typeof first === 'string' ? HEAD_BYTES : 2 * first.pageSizeBytes;
  return head.length < neededBytes ? undefined : decodeWhole(head);
}

/**
 * The first two pages of a database file as they are now. etcd may be writing to it.
 *
 * @throws {AgentError} `FILE_UNREADABLE`, and as `decodeMetaPages`.
 */
export async function readMetaPages(path: string): Promise<MetaPages> {
  await using file = await openForReading(path);
  return decodeHead(await file.read(0, HEAD_BYTES), path);
}

/** The first two pages of the file at `path`, of which `head` is the beginning. @throws {AgentError} as `decodeMetaPages`, with the path. */
export function decodeHead(head: Buffer, path: string): MetaPages {
  try {
    return decodeWhole(head);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    throw new AgentError(error.code, `${path}: ${error.message}`, { cause: error, details: { path } });
  }
}

/** Whether both pages say the same, so that no transaction ended in between. What is behind the metas is not compared. */
export function sameMeta(a: MetaPages, b: MetaPages): boolean {
  const { pageSizeBytes } = a.newest;
  if (b.newest.pageSizeBytes !== pageSizeBytes) return false;
  return [0, pageSizeBytes].every((offset) => {
    const end = offset + META_PAGE_BYTES;
    return a.bytes.subarray(offset, end).equals(b.bytes.subarray(offset, end));
  });
}

function decodeWhole(head: Buffer): MetaPages {
  const first = readMeta(head, 0);
  const second = readSecond(head, typeof first === 'string' ? PAGE_SIZES : [first.pageSizeBytes]);
  if (typeof first === 'string' && typeof second === 'string') throw noMeta(head, first, second);
  const newest = [first, second]
    .filter((meta) => typeof meta !== 'string')
    .reduce((best, meta) => (meta.transactionId > best.transactionId ? meta : best));
  const bytes = head.subarray(0, 2 * newest.pageSizeBytes);
  if (bytes.length === 2 * newest.pageSizeBytes) return { newest, bytes };
  throw new AgentError(
    'SNAPSHOT_DAMAGED',
    `the database has ${head.length} bytes, and its first two pages alone have ${2 * newest.pageSizeBytes}`,
  );
}

/** The second meta is one page in, so where it is tells the page size when the first is broken. */
function readSecond(head: Buffer, pageSizes: readonly number[]): Meta | string {
  const problems: string[] = [];
  for (const size of pageSizes) {
    const meta = readMeta(head, size);
    if (typeof meta !== 'string' && meta.pageSizeBytes === size) return meta;
    problems.push(`at byte ${size} ${typeof meta === 'string' ? meta : 'is a meta of another page size'}`);
  }
  return problems.join('; ');
}

function noMeta(head: Buffer, first: string, second: string): AgentError {
  if ([0, ...PAGE_SIZES].some((offset) => looksLikeMeta(head, offset))) {
    return new AgentError('SNAPSHOT_DAMAGED', `neither meta page is valid: in page 0 ${first}; ${second}`);
  }
  return new AgentError('SNAPSHOT_NOT_A_DATABASE', `no bbolt meta page was found: in page 0 ${first}`);
}
