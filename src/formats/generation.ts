import { z } from 'zod';
import { agentName, etcdId, isoTime, operationId, revision, snapshotId } from './identifiers.ts';

const urls = z.array(z.string().max(512)).max(16);

/** One finished restore: which cluster came out of which. Lineage is read from the chain of these, and who is superseded. */
export const generation = z.object({
  operation: operationId,
  clusterId: etcdId,
  parentClusterId: etcdId.optional(),
  /** The members of the parent that any participant knew of; none where nobody knew any. */
  supersededMemberIds: z.array(etcdId).max(64).optional(),
  /** The members of the new cluster as it began. */
  members: z
    .array(z.object({ agent: agentName, id: etcdId, name: z.string().max(256), peerUrls: urls }))
    .max(64)
    .optional(),
  /** The operation that went back to the parent: then nothing is superseded by this one any more. */
  revokedBy: operationId.optional(),
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
  id: etcdId.optional(),
  name: z.string().max(256),
  peerUrls: urls,
  clientUrls: urls,
  isLearner: z.boolean().optional(),
});
export type KnownMember = z.infer<typeof knownMember>;

/** Who a member is, as its log says it. */
export const memberIdentity = z.object({ clusterId: etcdId, memberId: etcdId });
export type MemberIdentity = z.infer<typeof memberIdentity>;

/** `generation.exchange`: what the asker knows, answered with what the asked knows. */
export const generationExchange = z.object({
  generations: z.array(generation).max(256),
  /** Of the data on the host, where it has any. */
  identity: memberIdentity.optional(),
});

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
