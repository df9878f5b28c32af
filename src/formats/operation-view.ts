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
  hookName,
  operationEnd,
  operationPhase,
  participantPhase,
  takeoverOrder,
} from './restore-journal.ts';

/** An operation as people and programs see it: `restore run|status -o json`, one object per change. */
export const operationView = z.object({
  operation: operationId,
  role: z.enum(['coordinator', 'participant']),
  /** Absent, like `planHash`, `snapshot` and `undoes`, where the journal of this host is too damaged to tell. */
  coordinator: agentName.optional(),
  /** Grows with each takeover. */
  epoch: z.int().positive().optional(),
  planHash: sha256Hex.optional(),
  phase: operationPhase,
  startedAt: isoTime,
  /** Present when the operation has ended for this host. */
  endedAt: isoTime.optional(),
  failure: failure.optional(),
  /** Hosts that the operator gave up. */
  without: z.array(agentName).optional(),
  /** What the operator ordered where no majority was left, on the host that was told to. */
  forced: takeoverOrder.optional(),
  snapshot: z.object({ id: snapshotId, revision, sizeBytes }).optional(),
  /** Instead of a snapshot: the finished operation whose set-aside data is gone back to. */
  undoes: z.object({ operation: operationId, clusterId: etcdId, revision }).optional(),
  /** How far the new cluster's revision is raised above the snapshot's. */
  revisionBump: z.int().positive().optional(),
  /** The undo that went back to what it set aside. */
  undoneBy: operationId.optional(),
  lostRevisions: z.int().nonnegative().optional(),
  first: ballotDecision.optional(),
  second: ballotDecision.optional(),
  hosts: z.array(
    z.object({
      agent: agentName,
      phase: participantPhase.optional(),
      reachable: z.boolean(),
      step: z.string().optional(),
      bytes: sizeBytes.optional(),
      totalBytes: sizeBytes.optional(),
      failure: failure.optional(),
      setAside: z.array(z.string()).optional(),
    }),
  ),
  /** What the acceptance gate still waits for, or what it found. */
  gate: z.array(z.string()),
  /** From the first etcd asked to stop to the first linearizable read of the new cluster. */
  downtimeMs: z.int().nonnegative().optional(),
  result: z
    .object({ clusterId: etcdId, revision, hashKv: z.number(), keyCount: z.int().nonnegative().optional() })
    .optional(),
  /** The commands of the configuration that ran, run or will run for it on the host that is asked, in that order. */
  hooks: z
    .array(
      z.object({
        hook: hookName,
        /** Absent for a `preStop`. */
        after: operationEnd.optional(),
        state: z.enum(['due', 'running', 'done', 'failed']),
        reason: z.string().optional(),
      }),
    )
    .optional(),
  /** What the operator can type next. */
  next: z.array(z.string()),
});
export type OperationView = z.infer<typeof operationView>;
