import { idIn, numberIn, parseMessage } from '../base/protobuf-message.ts';

/** Who wrote a log. Both are 16 lower-case hex digits, as etcd prints them. */
export interface LogIdentity {
  readonly memberId: string;
  readonly clusterId: string;
}

/** A place in the raft log. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** The beginning of a record's data, and how long all of it is. */
export interface RecordData {
  readonly bytes: Buffer;
  readonly sizeBytes: number;
}

// Each gives `undefined` when the data is not such a message.

/** etcd: api/etcdserverpb/etcdserver.proto, Metadata. */
export function parseMetadata({ bytes, sizeBytes }: RecordData): LogIdentity | undefined {
  const message = parseMessage(bytes, sizeBytes);
  const memberId = message && idIn(message, 1);
  const clusterId = message && idIn(message, 2);
  if (memberId === undefined || clusterId === undefined) return undefined;
  return { memberId, clusterId };
}

/** etcd: raft/raftpb/raft.proto, Entry. Its own data, the request, comes last and is not looked at. */
export function parseEntry(data: RecordData): LogPosition | undefined {
  return parsePosition(data, { indexField: 3, termField: 2 });
}

/** etcd: server/storage/wal/walpb/record.proto, Snapshot. */
export function parseSnapshot(data: RecordData): LogPosition | undefined {
  return parsePosition(data, { indexField: 1, termField: 2 });
}

/** etcd: raft/raftpb/raft.proto, HardState. The index up to which the member knew the log to be committed. */
export function parseCommit({ bytes, sizeBytes }: RecordData): number | undefined {
  const message = parseMessage(bytes, sizeBytes);
  return message && numberIn(message, 3);
}

function parsePosition(
  { bytes, sizeBytes }: RecordData,
  { indexField, termField }: { readonly indexField: number; readonly termField: number },
): LogPosition | undefined {
  const message = parseMessage(bytes, sizeBytes);
  const index = message && numberIn(message, indexField);
  const term = message && numberIn(message, termField);
  return index === undefined || term === undefined ? undefined : { index, term };
}
