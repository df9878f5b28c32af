import { z } from 'zod';
import { agentName, failure, isoTime, operationId } from './identifiers.ts';
import { operationPlan } from './restore-plan.ts';

/** Who drives an operation. A higher counter fences a lower one; the name breaks ties. */
export const epoch = z.object({ counter: z.int().positive(), agent: agentName });
export type Epoch = z.infer<typeof epoch>;

/** The two decisions of an operation, one after the other. Each is made once. */
export const ballotSlot = z.enum(['first', 'second']);
export type BallotSlot = z.infer<typeof ballotSlot>;
export const ballotDecision = z.enum(['commit', 'abort', 'accepted', 'rollback']);
export type BallotDecision = z.infer<typeof ballotDecision>;

/** A decision that a host synced, and for whom. Of votes for different decisions that of the highest epoch is adopted. */
export const vote = z.object({ decision: ballotDecision, epoch });
export type Vote = z.infer<typeof vote>;

/** Where one host stands in an operation. Words in -ing are work under way; the others are resting places. */
export const participantPhase = z.enum([
  'preparing',
  'prepared',
  'stopping',
  'stopped',
  'confirming',
  'confirmed',
  'committing',
  'started',
  'finishing',
  'finished',
  'aborting',
  'aborted',
  'rollback-stopping',
  'rollback-stopped',
  'rolling-back',
  'rolled-back',
]);
export type ParticipantPhase = z.infer<typeof participantPhase>;

/** Where the whole operation stands, as its coordinator sees it. */
export const operationPhase = z.enum([
  'taking-over',
  'preparing',
  'prepared',
  'stopping',
  'stopped',
  'committing',
  'verifying',
  'accepted',
  'finished',
  'aborting',
  'aborted',
  'rolling-back',
  'rolled-back',
  'stuck',
]);
export type OperationPhase = z.infer<typeof operationPhase>;

/** Commands of the configuration that a host runs beside its part of an operation. */
export const hookName = z.enum(['preStop', 'postRestore', 'onFailure']);
export type HookName = z.infer<typeof hookName>;

/** How an operation can end for a host. `stuck`: it goes no further by itself, and may still end otherwise. */
export const operationEnd = z.enum(['finished', 'aborted', 'rolled-back', 'stuck']);
export type OperationEnd = z.infer<typeof operationEnd>;

/** What the operator typed to go on where no majority of the hosts is left. */
export const takeoverOrder = z.object({
  /** The hosts that are dead: the others decide. */
  without: z.array(agentName).max(64),
  outcome: z.enum(['commit', 'abort']),
  /** How the operator knows that they are dead. Absent in journals from before it was asked for. */
  reason: z.string().min(1).max(1024).optional(),
});
export type TakeoverOrder = z.infer<typeof takeoverOrder>;

/** What `<stateDir>/operations/<operation>/journal` is made of. Synced before anything acts on it. */
const journalEntry = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('opened'),
    at: isoTime,
    version: z.literal(1),
    operation: operationId,
    epoch,
    /** Who ordered it, as the command said. */
    requestedBy: z.string(),
    plan: operationPlan,
  }),
  z.strictObject({ type: z.literal('phase'), at: isoTime, phase: participantPhase }),
  z.strictObject({
    type: z.literal('step'),
    at: isoTime,
    step: z.string(),
    outcome: z.enum(['started', 'done', 'failed']),
    reason: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('failure'), at: isoTime, failure }),
  z.strictObject({ type: z.literal('vote'), at: isoTime, slot: ballotSlot, decision: ballotDecision, epoch }),
  z.strictObject({ type: z.literal('decided'), at: isoTime, slot: ballotSlot, decision: ballotDecision }),
  /** From now on this host follows the coordinator of this epoch, and no older one. */
  z.strictObject({ type: z.literal('promised'), at: isoTime, epoch }),
  z.strictObject({
    type: z.literal('coordinating'),
    at: isoTime,
    epoch,
    order: takeoverOrder.optional(),
    /** Who ordered the takeover, as the command said. */
    requestedBy: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('operation'),
    at: isoTime,
    phase: operationPhase,
    failure: failure.optional(),
    /** Hosts that the operator gave up: nobody waits for them. */
    without: z.array(agentName).optional(),
    /** The operator said `accept`: a gate that fails then waits for a person instead of going back. */
    operatorAccepts: z.boolean().optional(),
  }),
  /** Why the operation does not go through, as its coordinator says. */
  z.strictObject({ type: z.literal('cause'), at: isoTime, failure }),
  /** The command that follows an end: `due` in one line with that end, `started` before each try. */
  z.strictObject({
    type: z.literal('hook'),
    at: isoTime,
    after: operationEnd,
    outcome: z.enum(['due', 'started', 'done', 'failed']),
    reason: z.string().optional(),
    /** With `due`: why the operation did not go through, as far as it was known here. */
    cause: failure.optional(),
  }),
  z.strictObject({
    type: z.literal('proposed'),
    at: isoTime,
    slot: ballotSlot,
    decision: ballotDecision,
    epoch,
  }),
]);
export type JournalEntry = z.infer<typeof journalEntry>;

/** One line of a journal: what was appended together. */
export const journalLine = z.array(journalEntry).min(1);
