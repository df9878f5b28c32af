import { z } from 'zod';
import { memberSeen } from './host-facts.ts';
import {
  agentName,
  alarm,
  etcdId,
  failure,
  operationId,
  revision,
  sha256Hex,
  sizeBytes,
} from './identifiers.ts';
import { ballotDecision, epoch, operationPhase, participantPhase, vote } from './restore-journal.ts';
import { operationPlan } from './restore-plan.ts';

// What agents ask of each other during a restore. Fields that a release does not know are skipped.

/** What the coordinator wants a participant to reach. The votes are journal entries only. */
const goal = z.enum([
  'wait',
  'prepare',
  'stop',
  'confirm',
  'vote-commit',
  'vote-abort',
  'commit',
  'vote-accepted',
  'vote-rollback',
  'finish',
  'abort',
  'rollback-stop',
  'rollback',
]);
export type Goal = z.infer<typeof goal>;

/** `restore.advance`: may be repeated at will; answered when the report is newer than `seenVersion`, or after `waitMs`. */
export const advanceRequest = z.object({
  operation: operationId,
  epoch,
  planHash: sha256Hex,
  /** Until the participant has answered once. */
  plan: operationPlan.optional(),
  requestedBy: z.string().max(256),
  goal,
  /** Why the operation does not go through, once it does not. */
  cause: failure.optional(),
  seenVersion: z.int().nonnegative(),
  waitMs: z.int().nonnegative().max(60_000),
});
export type AdvanceRequest = z.infer<typeof advanceRequest>;

/**
 * `restore.promise`: a coordinator of a higher epoch asks a host to follow it, and no older one. Answered with a report when
 * the host's running work has ended and the promise is synced.
 */
export const promiseRequest = z.object({
  operation: operationId,
  epoch,
  planHash: sha256Hex,
  plan: operationPlan,
  requestedBy: z.string().max(256),
});
export type PromiseRequest = z.infer<typeof promiseRequest>;

export const participantReport = z.object({
  operation: operationId,
  agent: agentName,
  journalId: z.uuid(),
  /** Whom the host follows. */
  epoch,
  /** Grows with every change of this report, also across restarts of the agent. */
  version: z.int().nonnegative(),
  phase: participantPhase,
  votes: z.object({ first: vote.optional(), second: vote.optional() }),
  decided: z.object({ first: ballotDecision.optional(), second: ballotDecision.optional() }),
  step: z.string().optional(),
  bytes: sizeBytes.optional(),
  totalBytes: sizeBytes.optional(),
  failure: failure.optional(),
  /** etcd came up on the restored data here at least once: clients may have written to it. */
  served: z.boolean().optional(),
  /** Milliseconds since the epoch at which etcd was asked to stop here. */
  stopAskedAtMs: z.int().optional(),
  setAside: z.array(z.string()).max(8).optional(),
});
export type ParticipantReport = z.infer<typeof participantReport>;

/** `restore.outcome`: what is known of an operation, for a participant that missed its end. */
export const outcomeRequest = z.object({ operation: operationId });
export const outcomeResponse = z.object({
  known: z.boolean(),
  /** The highest epoch that the host knows of. */
  epoch: epoch.optional(),
  /** The host drives the operation, and holds that it stands there. */
  drives: operationPhase.optional(),
  first: ballotDecision.optional(),
  second: ballotDecision.optional(),
});
export type KnownOutcome = z.infer<typeof outcomeResponse>;

/** `restore.request`: what an operator asks of whoever drives the operation. */
export const operatorRequest = z.object({
  operation: operationId,
  kind: z.enum(['abort', 'accept', 'rollback']),
  without: z.array(agentName).max(64),
  requestedBy: z.string().max(256),
});
export type OperatorRequest = z.infer<typeof operatorRequest>;

/** `restore.gate`: one host's share of the acceptance gate. */
export const gateRequest = z.object({
  operation: operationId,
  /** Who asks: a host that follows a newer coordinator does not answer. */
  epoch,
  /** Asked of one host only: disarm the alarms that the plan says are disarmed. */
  disarm: z.boolean(),
  /** Where set: HashKV at this revision, and the number of keys at `countAtRevision`. */
  hashAtRevision: revision.optional(),
  countAtRevision: revision.optional(),
  /** Where set: is there a live key that was put after this revision? */
  putsAfterRevision: revision.optional(),
});
export type GateRequest = z.infer<typeof gateRequest>;

export const gateFacts = z.object({
  agent: agentName,
  process: z.enum(['running', 'starting', 'stopped', 'failed']),
  processDetail: z.string().max(8192).optional(),
  /** The first thing that could not be asked of etcd. */
  problem: failure.optional(),
  clusterId: etcdId.optional(),
  memberId: etcdId.optional(),
  leaderId: etcdId.optional(),
  revision: revision.optional(),
  members: z.array(memberSeen).max(64).optional(),
  alarms: z.array(alarm).max(64).optional(),
  linearizableRead: z.boolean().optional(),
  /** A lease granted and revoked, or an unknown one revoked under NOSPACE: it went through raft. */
  write: z.boolean().optional(),
  hashKv: z.object({ hash: z.number(), revision }).optional(),
  keyCount: z.int().nonnegative().optional(),
  putsFound: z.boolean().optional(),
  /** Milliseconds since the epoch at which the first linearizable read came back. */
  servingSinceMs: z.int().optional(),
});
export type GateFacts = z.infer<typeof gateFacts>;
