import { idIn, numberIn, parseMessage } from '../base/protobuf-message.ts';

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
/** protobuf leaves a zero out. */
const NO_MEMBER = '0'.repeat(16);

/** Decodes a key of the bucket `alarm`: the protobuf message AlarmMember. `undefined` when it is not one. */
export function parseAlarmKey(key: Buffer): StoredAlarm | undefined {
  const message = key.length > LONGEST_KEY_BYTES ? undefined : parseMessage(key);
  if (message === undefined) return undefined;
  const memberId = message.has(MEMBER_ID_FIELD) ? idIn(message, MEMBER_ID_FIELD) : NO_MEMBER;
  const alarm = numberIn(message, ALARM_FIELD);
  if (memberId === undefined || alarm === undefined) return undefined;
  return { memberId, alarm: ALARM_NAMES[alarm] ?? `ALARM_${alarm}` };
}
