/**
 * Where the parts of an entry of the bucket `key` lie (etcd: api/mvccpb/kv.proto, KeyValue). Offsets are into the bytes
 * that were parsed: nothing is copied. A tombstone has a key, and everything else is 0.
 */
export interface KeyValueHead {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** 0 without a lease. */
  readonly lease: bigint;
}

type Head = { -readonly [name in keyof KeyValueHead]: KeyValueHead[name] };

const KEY_FIELD = 1;
const CREATE_REVISION_FIELD = 2;
const MOD_REVISION_FIELD = 3;
const VERSION_FIELD = 4;
const VALUE_FIELD = 5;
const LEASE_FIELD = 6;
const LAST_FIELD = LEASE_FIELD;

/** protobuf.dev: encoding, wire types. */
const WIRE_VARINT = 0;
const WIRE_64_BITS = 1;
const WIRE_BYTES = 2;
const WIRE_32_BITS = 5;

const LONGEST_VARINT_BYTES = 10;
const LARGEST_TAG = 0xffff_ffff;
const BROKEN = -1;

/**
 * Decodes an entry of the bucket `key`, as often as a database has revisions: without copies, and without big integers
 * but for a lease.
 *
 * @param start - Where it begins in `bytes`; `end` is where it ends.
 * @returns `undefined` when that is not what stands there: not protobuf, a wrong type, no key, or a number beyond 2^53.
 *   Fields that a newer etcd may add are skipped.
 */
export function parseKeyValue(bytes: Buffer, start = 0, end = bytes.length): KeyValueHead | undefined {
  const head: Head = {
    keyStart: start,
    keyEnd: start,
    valueStart: start,
    valueEnd: start,
    createRevision: 0,
    modRevision: 0,
    version: 0,
    lease: 0n,
  };
  let at = start;
  while (at < end) {
    at = readField(bytes, head, at, end);
    if (at === BROKEN) return undefined;
  }
  return head.keyEnd === head.keyStart ? undefined : head;
}

/** Reads one field into `head`, and says where it ends. */
function readField(bytes: Buffer, head: Head, at: number, end: number): number {
  const tagEnd = varintEnd(bytes, at, end);
  if (tagEnd === BROKEN) return BROKEN;
  const tag = varintValue(bytes, at, tagEnd);
  const field = tag >>> 3;
  if (tag > LARGEST_TAG || field === 0) return BROKEN;
  switch (tag & 7) {
    case WIRE_VARINT:
      return readNumber(bytes, head, field, { start: tagEnd, end: varintEnd(bytes, tagEnd, end) });
    case WIRE_BYTES:
      return readBytes(head, field, bytesSpan(bytes, tagEnd, end));
    case WIRE_64_BITS:
      return skipFixed(field, tagEnd + 8, end);
    case WIRE_32_BITS:
      return skipFixed(field, tagEnd + 4, end);
    default:
      return BROKEN;
  }
}

interface Span {
  readonly start: number;
  /** `BROKEN` when it does not end inside the message. */
  readonly end: number;
}

function readNumber(bytes: Buffer, head: Head, field: number, { start, end }: Span): number {
  if (end === BROKEN || field === KEY_FIELD || field === VALUE_FIELD) return BROKEN;
  const value = varintValue(bytes, start, end);
  switch (field) {
    case CREATE_REVISION_FIELD:
      head.createRevision = value;
      break;
    case MOD_REVISION_FIELD:
      head.modRevision = value;
      break;
    case VERSION_FIELD:
      head.version = value;
      break;
    case LEASE_FIELD:
      head.lease = value === 0 ? 0n : leaseValue(bytes, start, end);
      return end;
    default:
      return end;
  }
  return value > Number.MAX_SAFE_INTEGER ? BROKEN : end;
}

function readBytes(head: Head, field: number, { start, end }: Span): number {
  if (end === BROKEN) return BROKEN;
  if (field === KEY_FIELD) {
    head.keyStart = start;
    head.keyEnd = end;
  } else if (field === VALUE_FIELD) {
    head.valueStart = start;
    head.valueEnd = end;
  } else if (field <= LAST_FIELD) {
    return BROKEN;
  }
  return end;
}

function bytesSpan(bytes: Buffer, at: number, end: number): Span {
  const start = varintEnd(bytes, at, end);
  if (start === BROKEN) return { start, end: BROKEN };
  const last = start + varintValue(bytes, at, start);
  return { start, end: last > end ? BROKEN : last };
}

function skipFixed(field: number, fieldEnd: number, end: number): number {
  return field <= LAST_FIELD || fieldEnd > end ? BROKEN : fieldEnd;
}

function varintEnd(bytes: Buffer, at: number, end: number): number {
  const limit = Math.min(end, at + LONGEST_VARINT_BYTES);
  for (let position = at; position < limit; position += 1) {
    if ((bytes[position] ?? 0) < 0x80) return position + 1;
  }
  return BROKEN;
}

/** Exact up to 2^53, and never smaller than that for a larger one. */
function varintValue(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let position = end - 1; position >= start; position -= 1) {
    value = value * 128 + ((bytes[position] ?? 0) & 0x7f);
  }
  return value;
}

/** A lease ID is random over 63 bits. */
function leaseValue(bytes: Buffer, start: number, end: number): bigint {
  let value = 0n;
  for (let position = end - 1; position >= start; position -= 1) {
    value = (value << 7n) | BigInt((bytes[position] ?? 0) & 0x7f);
  }
  return BigInt.asIntN(64, value);
}
