import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RangeResponse,
} from './generated/etcdserverpb/kv.ts';
import { exactNumber, idToHex, signedIdOf } from './wire-numbers.ts';

/** A key or value. Strings are UTF-8. */
export type Bytes = Buffer | string;

export interface KeyRange {
  readonly key: Bytes;
  /** Exclusive. One zero byte means all keys from `key` on; absent means `key` alone. */
  readonly rangeEnd?: Bytes;
}

export interface RangeQuery extends KeyRange {
  readonly limit?: number;
  readonly revision?: number;
  readonly countOnly?: boolean;
  readonly keysOnly?: boolean;
  /** Answered by the member alone, perhaps with old data. Otherwise linearizable: it needs a quorum. */
  readonly serializable?: boolean;
  readonly minModRevision?: number;
}

export interface KeyValuePair {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** Absent when the key hangs on no lease. */
  readonly lease: string | undefined;
}

export interface RangeResult {
  /** The store's revision at the time of the answer, not the one asked for. */
  readonly revision: number;
  /** All keys of the range, also those beyond `limit`. */
  readonly count: number;
  readonly more: boolean;
  readonly keyValues: readonly KeyValuePair[];
}

export interface PutOrder {
  readonly key: Bytes;
  readonly value: Bytes;
  readonly lease?: string;
}

export function bytesOf(bytes: Bytes | undefined): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : (bytes ?? Buffer.alloc(0));
}

export function rangeRequest(query: RangeQuery): RangeRequest {
  return {
    key: bytesOf(query.key),
    rangeEnd: bytesOf(query.rangeEnd),
    limit: BigInt(query.limit ?? 0),
    revision: BigInt(query.revision ?? 0),
    serializable: query.serializable ?? false,
    keysOnly: query.keysOnly ?? false,
    countOnly: query.countOnly ?? false,
    minModRevision: BigInt(query.minModRevision ?? 0),
  };
}

export function putRequest(order: PutOrder): PutRequest {
  return {
    key: bytesOf(order.key),
    value: bytesOf(order.value),
    lease: order.lease === undefined ? 0n : signedIdOf(order.lease),
  };
}

export function deleteRangeRequest(range: KeyRange): DeleteRangeRequest {
  return { key: bytesOf(range.key), rangeEnd: bytesOf(range.rangeEnd) };
}

/** `revision` is 0 in the answers inside a transaction, which share its header. */
export function rangeResult(answer: RangeResponse): RangeResult {
  return {
    revision: exactNumber(answer.header?.revision ?? 0n, 'the revision'),
    count: exactNumber(answer.count, 'the count'),
    more: answer.more,
    keyValues: answer.kvs.map((pair) => ({
      key: pair.key,
      value: pair.value,
      createRevision: exactNumber(pair.createRevision, 'a create revision'),
      modRevision: exactNumber(pair.modRevision, 'a mod revision'),
      version: exactNumber(pair.version, 'a version'),
      lease: pair.lease === 0n ? undefined : idToHex(pair.lease),
    })),
  };
}
