/** An alarm that was raised and not disarmed. */
export interface StoredAlarm {
  /** 16 lower-case hex digits. */
  readonly memberId: string;
  /** etcd's word, or `ALARM_7` for a number that this release has no word for. */
  readonly alarm: string;
}

/** etcd: api/etcdserverpb/rpc.proto, AlarmType. */
const ALARM_NAMES = ['NONE', 'NOSPACE', 'CORRUPT'] as const;
/** Two tags and two varints of 64 bits have 22. */
const LONGEST_KEY_BYTES = 64;
const MEMBER_ID_FIELD = 1;
const ALARM_FIELD = 2;

/**
 * Decodes a key of the bucket `alarm`: the protobuf message AlarmMember, of two varints. `undefined` when it is not one.
 */
export function parseAlarmKey(key: Buffer): StoredAlarm | undefined {
  if (key.length > LONGEST_KEY_BYTES) return undefined;
  const fields = new Map<number, bigint>();
  for (let at = 0; at < key.length;) {
    const tag = readVarint(key, at);
    const value = tag === undefined ? undefined : readVarint(key, tag.end);
    // Both fields are varints: wire type 0.
    if (tag === undefined || value === undefined || (tag.value & 7n) !== 0n) return undefined;
    fields.set(Number(tag.value >> 3n), value.value);
    at = value.end;
  }
  const alarm = Number(fields.get(ALARM_FIELD) ?? 0n);
  const memberId = (fields.get(MEMBER_ID_FIELD) ?? 0n).toString(16).padStart(16, '0');
  return { memberId, alarm: ALARM_NAMES[alarm] ?? `ALARM_${alarm}` };
}

function readVarint(bytes: Buffer, start: number): { value: bigint; end: number } | undefined {
  let value = 0n;
  for (let at = start; at < bytes.length && at < start + 10; at += 1) {
    const byte = bytes.readUInt8(at);
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - start));
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: at + 1 };
  }
  return undefined;
}
