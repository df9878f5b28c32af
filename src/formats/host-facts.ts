import { z } from 'zod';
import { generation, knownMember } from './generation.ts';
import {
  agentName,
  alarm,
  etcdId,
  failure,
  operationId,
  revision,
  sizeBytes,
  snapshotId,
} from './identifiers.ts';
import { foundState } from './restore-plan.ts';
import { snapshotManifest } from './snapshot-manifest.ts';

const urls = z.array(z.string().max(512)).max(16);

export const memberSeen = z.object({
  id: etcdId,
  name: z.string().max(256),
  peerUrls: urls,
  clientUrls: urls,
  isLearner: z.boolean().optional(),
});
export type MemberSeen = z.infer<typeof memberSeen>;

/** `host.facts`: everything that planning needs to know of one host. Looks only. */
export const hostFacts = z.object({
  agent: agentName,
  journalId: z.uuid(),
  release: z.string().max(64),
  memberName: z.string().max(256),
  peerUrls: urls,
  dataDir: z.string(),
  walDir: z.string().optional(),
  found: foundState,
  /** What the running member says of itself; absent when it cannot be asked. */
  etcd: z
    .object({
      clusterId: etcdId,
      memberId: etcdId,
      revision,
      version: z.string().max(64),
      members: z.array(memberSeen).max(64),
      isLearner: z.boolean().optional(),
      /** A linearizable read went through: the cluster has quorum. A learner takes none. */
      hasQuorum: z.boolean(),
    })
    .optional(),
  etcdProblem: z.string().max(8192).optional(),
  /** The version of the etcd that will run. */
  etcdVersion: z.string().max(64).optional(),
  /** Its program, where the agent knows one that it can run itself. */
  etcdPath: z.string().max(4096).optional(),
  tool: z
    .object({
      path: z.string(),
      kind: z.string(),
      version: z.string().max(64),
      /** It has `--bump-revision` and `--mark-compacted`. */
      canBumpRevision: z.boolean().optional(),
    })
    .optional(),
  toolProblem: failure.optional(),
  dataFreeBytes: sizeBytes,
  walFreeBytes: sizeBytes.optional(),
  snapshotFreeBytes: sizeBytes,
  /** Snapshots and data dir share one file system, so their needs add up. */
  sharedFileSystem: z.boolean(),
  /** Why a swap or a hold would fail here. */
  problems: z.array(failure).max(32),
  /** What does not hinder a restore, and must be known before one. */
  remarks: z.array(z.string().max(8192)).max(32).optional(),
  activeOperation: operationId.optional(),
  clusterId: etcdId.optional(),
  /** The member of that cluster that this host's data is of. */
  memberId: etcdId.optional(),
  /** The cluster's members as this host last saw them, when etcd cannot be asked. */
  knownMembers: z.array(knownMember).max(64),
  generations: z.array(generation).max(1024),
  snapshots: z.array(snapshotManifest).max(2048),
});
export type HostFacts = z.infer<typeof hostFacts>;

/** `host.set-aside`: what an operation set aside on a host, as its files say it. Looks only. */
export const setAsideRequest = z.object({ operation: operationId });
export const setAsideFacts = z.object({
  agent: agentName,
  path: z.string(),
  /** Absent where there is none, or none that can be read: then `problem` says which. */
  data: z
    .object({
      clusterId: etcdId,
      memberId: etcdId,
      revision,
      /** The raft index up to which the database holds everything. */
      appliedIndex: z.int().nonnegative().optional(),
      members: z.array(knownMember.extend({ id: etcdId })).max(64),
      alarms: z.array(alarm).max(64),
      /** The release of etcd that it is of, where it tells. */
      storageVersion: z.string().max(64).optional(),
      clusterVersion: z.string().max(64).optional(),
    })
    .optional(),
  problem: z.string().max(8192).optional(),
});
export type SetAsideFacts = z.infer<typeof setAsideFacts>;

/** `snapshot.manifest`: what the asked host knows of one of its snapshots. */
export const manifestRequest = z.object({ id: snapshotId });

/** `host.probe`: do these URLs answer? A TCP connection that is accepted counts as an answer. */
export const probeRequest = z.object({ urls: z.array(z.string().max(512)).max(256) });
export const probeResponse = z.object({ answering: z.array(z.string().max(512)).max(256) });
