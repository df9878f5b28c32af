import { z } from 'zod';
import {
  agentName,
  etcdId,
  failure,
  isoTime,
  operationId,
  revision,
  sha256Hex,
  sizeBytes,
  snapshotId,
} from './identifiers.ts';
import {
  ballotDecision,
  ballotSlot,
  epoch,
  hookName,
  operationEnd,
  takeoverOrder,
} from './restore-journal.ts';

/** Who ordered it, as the command said: the login and the host's user. Nobody proved it. */
const requestedBy = z.string().max(256);
const reason = z.string().max(8192);
const path = z.string().max(4096);

/** `operation`: a restore or a rejoin. */
const setAsideItem = z.strictObject({ path, operation: z.string().max(64), sizeBytes });

/** Keys that `snapshot put-back` writes: before the first, and what became of them. */
const putBackEvent = z.strictObject({
  event: z.literal('put-back'),
  stage: z.enum(['begun', 'done', 'failed']),
  /** Its ID, or the path as it was typed. */
  snapshot: path,
  /** Of the file that the values are read from. */
  sha256: sha256Hex,
  clusterId: etcdId,
  /** To write, as planned. */
  keys: z.int().nonnegative(),
  /** Of these: how many replace another value. */
  overwrites: z.int().nonnegative(),
  /** At the end: what was written, what was left alone or not come to, and what etcd did not answer for. Together all of them. */
  written: z.int().nonnegative().optional(),
  skipped: z.int().nonnegative().optional(),
  uncertain: z.int().nonnegative().optional(),
  /** Flags that accept something: `--overwrite`, … */
  accepting: z.array(z.string().max(32)).max(8).optional(),
  requestedBy,
  reason: reason.optional(),
});

/** What the command tells of it, as the agent alone writes the log. */
export const putBackNote = putBackEvent.omit({ event: true });
export type PutBackNote = z.infer<typeof putBackNote>;

/** What a host writes down for good. Operations tell of themselves by what their journal says. */
export const auditEvent = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('operation-opened'),
    operation: operationId,
    planHash: sha256Hex,
    coordinator: agentName,
    requestedBy,
    /** Why the hash check was skipped. */
    reason: reason.optional(),
    /** Hosts that somebody swore to be dead. */
    without: z.array(agentName).optional(),
    /** Flags that accept something: `--discard-current`, … */
    accepting: z.array(z.string()).optional(),
    /** What is restored; absent of an undo. */
    snapshot: z.strictObject({ id: snapshotId, sha256: sha256Hex, revision, sizeBytes }).optional(),
    /** The finished operation whose set-aside data is gone back to. */
    undoes: operationId.optional(),
  }),
  z.strictObject({
    event: z.literal('operation-decided'),
    operation: operationId,
    slot: ballotSlot,
    decision: ballotDecision,
    /** Of the coordinator that had it decided. */
    epoch,
  }),
  /** Another host drives it from here on. With an order, a person decided where no majority could. */
  z.strictObject({
    event: z.literal('operation-taken-over'),
    operation: operationId,
    epoch,
    requestedBy: requestedBy.optional(),
    order: takeoverOrder.optional(),
  }),
  /** What a person asked of the coordinator here, and was not refused. */
  z.strictObject({
    event: z.literal('operation-requested'),
    operation: operationId,
    kind: z.string().max(32),
    without: z.array(agentName),
    requestedBy,
  }),
  z.strictObject({
    event: z.literal('operation-ended'),
    operation: operationId,
    outcome: operationEnd,
    failure: failure.optional(),
  }),
  z.strictObject({
    event: z.literal('hook-ended'),
    operation: operationId,
    hook: hookName,
    /** The end that it followed. */
    after: operationEnd.optional(),
    outcome: z.enum(['done', 'failed']),
    reason: reason.optional(),
  }),
  z.strictObject({
    event: z.literal('snapshot-deleted'),
    snapshot: snapshotId,
    sha256: sha256Hex,
    sizeBytes,
    requestedBy: requestedBy.optional(),
    /** Although it was the newest proved one. */
    force: z.boolean(),
  }),
  putBackEvent,
  z.strictObject({
    event: z.literal('set-aside-removal'),
    stage: z.enum(['begun', 'done', 'failed']),
    items: z.array(setAsideItem),
    requestedBy,
    reason: reason.optional(),
  }),
  z.strictObject({
    event: z.literal('member'),
    /** `join`: a rejoin or a replacement, as the plan of it says. */
    action: z.enum(['join', 'fence', 'unfence']),
    stage: z.enum(['begun', 'done', 'failed']),
    /** The restore that superseded the member, or the rejoin. */
    operation: z.string().max(64).optional(),
    /** Since when it is fenced. */
    since: isoTime.optional(),
    memberId: etcdId.optional(),
    clusterId: etcdId.optional(),
    requestedBy: requestedBy.optional(),
    reason: reason.optional(),
  }),
  /** Bytes in front of this line that are no whole line: what a crash left of one. */
  z.strictObject({ event: z.literal('torn-line'), sizeBytes, sha256: sha256Hex }),
]);
export type AuditEvent = z.infer<typeof auditEvent>;

/** One line of `audit.jsonl`, in canonical JSON. An event that this release does not know is a line like any other. */
export const auditRecord = z.strictObject({
  version: z.literal(1),
  /** 1, 2, 3 …, over all files of a host. */
  seq: z.int().positive(),
  at: isoTime,
  /** `sha256` of the line before it; 64 zeros in the first. */
  previous: sha256Hex,
  event: z.looseObject({ event: z.string().max(64) }),
  /** SHA-256 of the canonical JSON of all the other fields. */
  sha256: sha256Hex,
});
export type AuditRecord = z.infer<typeof auditRecord>;

/** The last line that an agent wrote, kept beside the log. */
export const auditHead = auditRecord.pick({ seq: true, at: true, sha256: true });
export type AuditHead = z.infer<typeof auditHead>;
