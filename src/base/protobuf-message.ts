/** A number of up to 64 bits, in two halves: an ID has all of them, and big integers would cost more than all the rest. */
interface Varint {
  readonly low: number;
  readonly high: number;
  readonly end: number;
}

/** Where bytes lie in the message. The last ones may end behind what was at hand of it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The newest value of each field, by its number. */
export type Message = ReadonlyMap<number, Varint | Span>;

/** protobuf.dev: encoding, wire types. */
const WIRE_VARINT = 0;
const WIRE_64_BITS = 1;
const WIRE_BYTES = 2;
const WIRE_32_BITS = 5;
const HALF = 2 ** 32;

/**
 * Finds the fields of a protobuf message, without copying one.
 *
 * @param bytes - The message, or its beginning.
 * @param messageBytes - Of the whole message: only bytes that are its last field may reach beyond `bytes`.
 * @returns `undefined` when it is no such message.
 */
export function parseMessage(bytes: Buffer, messageBytes: number = bytes.length): Message | undefined {
  const fields = new Map<number, Varint | Span>();
  let at = 0;
  while (at < messageBytes) {
    const tag = readVarint(bytes, at);
    // A field of number 0 is none: zeros are no message.
    if (tag?.high !== 0 || tag.low < 8) return undefined;
    const value = readValue(bytes, tag);
    if (value === undefined || value.end > messageBytes) return undefined;
    fields.set(tag.low >>> 3, value);
    at = value.end;
  }
  return fields;
}

/** 0 when the field is not there, as protobuf has it; `undefined` when it is no number, or one beyond 2^53 - 1. */
export function numberIn(message: Message, field: number): number | undefined {
  const value = message.get(field);
  if (value === undefined) return 0;
  if (!('low' in value)) return undefined;
  const number = value.high * HALF + value.low;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** 16 lower-case hex digits. `undefined` when the field is not there, or is no number. */
export function idIn(message: Message, field: number): string | undefined {
  const value = message.get(field);
  if (value === undefined || !('low' in value)) return undefined;
  return hexHalf(value.high) + hexHalf(value.low);
}

/** `undefined` when the field is there and holds no bytes; nowhere when it is not there. */
export function bytesIn(message: Message, field: number): Span | undefined {
  const value = message.get(field) ?? { start: 0, end: 0 };
  return 'start' in value ? value : undefined;
}

function hexHalf(half: number): string {
  return half.toString(16).padStart(8, '0');
}

/** What follows the tag. */
function readValue(bytes: Buffer, tag: Varint): Varint | Span | undefined {
  switch (tag.low & 7) {
    case WIRE_VARINT:
      return readVarint(bytes, tag.end);
    case WIRE_BYTES: {
      const size = readVarint(bytes, tag.end);
      return size && { start: size.end, end: size.end + size.high * HALF + size.low };
    }
    case WIRE_64_BITS:
      return { start: tag.end, end: tag.end + 8 };
    case WIRE_32_BITS:
      return { start: tag.end, end: tag.end + 4 };
    default:
      return undefined;
  }
}

/** Seven bits a byte, the lowest first; the tenth byte holds the last one. */
function readVarint(bytes: Buffer, start: number): Varint | undefined {
  const parts: [number, number, number] = [0, 0, 0];
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[start + index];
    if (byte === undefined) return undefined;
    // Four bytes are 28 bits, which no shift of 32-bit numbers loses.
    const part = (index >>> 2) as 0 | 1 | 2;
    parts[part] |= (byte & 0x7f) << (7 * (index & 3));
    if (byte < 0x80) {
      const [low, middle, high] = parts;
      return {
        low: (low | (middle << 28)) >>> 0,
        high: ((middle >>> 4) | (high << 24)) >>> 0,
        end: start + index + 1,
      };
    }
  }
  return undefined;
}
