import { z } from 'zod';
import { etcdId, isoTime, operationId, revision, snapshotId } from './identifiers.ts';

/** One finished restore: which cluster came out of which. Lineage is read from the chain of these. */
export const generation = z.object({
  operation: operationId,
  clusterId: etcdId,
  parentClusterId: etcdId.optional(),
  /** The parent's history up to here is this cluster's own; what came after was discarded. */
  restoredRevision: revision,
  /** How far the restore raised the revision: numbers that nobody wrote. */
  revisionBump: z.int().positive().optional(),
  snapshotId,
  finishedAt: isoTime,
});
export type Generation = z.infer<typeof generation>;

/** A member by its URLs. */
export const knownMember = z.object({
  name: z.string().max(256),
  peerUrls: z.array(z.string().max(512)).max(16),
  clientUrls: z.array(z.string().max(512)).max(16),
  isLearner: z.boolean().optional(),
});
export type KnownMember = z.infer<typeof knownMember>;

/** `<stateDir>/lineage.json`: what this host knows of its cluster's identity, also when etcd is down. */
export const lineageRecord = z.strictObject({
  version: z.literal(1),
  /** The cluster that the local member was last seen in. */
  clusterId: etcdId.optional(),
  /** The members of that cluster as it last named them: who must be silent before it is superseded. */
  members: z.array(knownMember).max(64).optional(),
  generations: z.array(generation),
});
export type LineageRecord = z.infer<typeof lineageRecord>;
