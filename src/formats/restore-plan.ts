import { z } from 'zod';
import {
  agentName,
  alarm,
  etcdId,
  isoTime,
  operationId,
  revision,
  sha256Hex,
  sizeBytes,
  snapshotId,
} from './identifiers.ts';

const absolutePath = z.string().startsWith('/');

/**
 * What a host's etcd was doing when it was found; a rollback and an abort bring it back to this. `restarting`: its supervisor
 * was at starting it: it had died, or did not answer yet.
 */
export const foundState = z.enum(['running', 'restarting', 'stopped', 'absent']);
export type FoundState = z.infer<typeof foundState>;

const planHost = z.strictObject({
  agent: agentName,
  /** Made once per state directory: a reimaged host has another and is not believed. */
  journalId: z.uuid(),
  memberName: z.string(),
  peerUrls: z.array(z.string()).min(1),
  dataDir: absolutePath,
  walDir: absolutePath.optional(),
  found: foundState,
  toolPath: absolutePath,
  toolVersion: z.string(),
  etcdVersion: z.string().optional(),
});
export type PlanHost = z.infer<typeof planHost>;

const planSnapshot = z.strictObject({
  id: snapshotId,
  sha256: sha256Hex,
  sizeBytes,
  revision,
  hasTrailer: z.boolean(),
  grade: z.string(),
  takenAt: isoTime,
  takenBy: agentName,
  clusterId: etcdId.optional(),
  /** The release of etcd that its data is of, where the file or its manifest tells. */
  etcdVersion: z.string().optional(),
  /** Live keys at `revision`, where the member that was saved could count them. */
  keyCount: z.int().nonnegative().optional(),
});

/** What becomes of the revision, the same on all hosts. */
const planRevisions = z.discriminatedUnion('action', [
  /** Raised to `to`, `by` above the snapshot's, and all before it marked compacted: old watches end instead of going on. */
  z.strictObject({ action: z.literal('bump'), by: z.int().positive(), to: revision }),
  /** As the snapshot has it. `lacking`: the agents whose tool cannot raise it; none when the operator said so. */
  z.strictObject({ action: z.literal('keep'), lacking: z.array(agentName) }),
]);
export type PlanRevisions = z.infer<typeof planRevisions>;

/** Who boots the snapshot on a throw-away etcd before anything is stopped, or why nobody does. */
const planRehearsal = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('run'), agent: agentName }),
  z.strictObject({
    action: z.literal('skip'),
    /** `booted`: it was booted before. `declined`: the operator said so. `impossible`: no host has an etcd to run, and room. */
    because: z.enum(['booted', 'declined', 'impossible']),
  }),
]);
export type PlanRehearsal = z.infer<typeof planRehearsal>;

/** What was decided: the operator confirms the hash of exactly this. */
const decided = z.strictObject({
  operation: operationId,
  coordinator: agentName,
  /** Random, used once, the same for all: `--initial-cluster-token` of the new cluster. */
  clusterToken: z.string().min(16),
  snapshot: planSnapshot,
  /** Agents that hold the file; the others fetch it from them. */
  holders: z.array(agentName).min(1),
  skipHashCheck: z.boolean(),
  reason: z.string().optional(),
  discardCurrent: z.boolean(),
  allowForeign: z.boolean(),
  /** The operator accepts a snapshot of a newer etcd than the hosts run. */
  allowNewerSnapshot: z.boolean().optional(),
  /** Hosts that the operator swears are dead, with the URLs that must stay silent. */
  without: z.array(z.strictObject({ agent: agentName, urls: z.array(z.string()) })),
  /** Alarms that the snapshot carries, and what is done about them. */
  alarms: z.strictObject({ carried: z.array(alarm), action: z.enum(['none', 'tolerate', 'disarm']) }),
  /** Absent in plans of releases that could not raise it. */
  revisions: planRevisions.optional(),
  /** Absent in plans of releases that could not rehearse. */
  rehearsal: planRehearsal.optional(),
  /** The cluster that this restore supersedes, where any host knows it, and those of its members that any host knows. */
  supersedes: z.strictObject({ clusterId: etcdId, memberIds: z.array(etcdId).max(64).optional() }).optional(),
  hosts: z.array(planHost).min(1),
});
export type PlanDecision = z.infer<typeof decided>;

/** One thing that can be done about the cluster. */
const proposal = z.strictObject({
  action: z.enum(['nothing', 'start', 'rejoin', 'restore']),
  /** Where something is to be done. */
  hosts: z.array(agentName),
  what: z.string(),
  /** What it loses, in words; `lostRevisions` where it can be counted. */
  loss: z.string(),
  lostRevisions: z.int().nonnegative().optional(),
  command: z.string().optional(),
});
export type Proposal = z.infer<typeof proposal>;

/** What was seen while planning: shown, looked at again before each point of no return, not hashed. */
const measured = z.strictObject({
  at: isoTime,
  quorum: z.enum(['alive', 'lost', 'none']),
  /** The most advanced member that could be read. */
  newest: z.strictObject({ agent: agentName, revision }).optional(),
  /** Revisions between the snapshot and `newest`: what will be lost. */
  lostRevisions: z.int().nonnegative().optional(),
  /** How many members the new cluster may lose and still work. */
  faultTolerance: z.int().nonnegative(),
  warnings: z.array(z.string()),
  /** What else can be done, and this restore, the least destructive first. */
  proposals: z.array(proposal).optional(),
  hosts: z.array(
    z.strictObject({
      agent: agentName,
      freeBytes: sizeBytes,
      neededBytes: sizeBytes,
      holdsSnapshot: z.boolean(),
      revision: revision.optional(),
      clusterId: etcdId.optional(),
    }),
  ),
});
export type PlanMeasurement = z.infer<typeof measured>;

/** What a restore will do, fixed and hashed before anything changes. `hash`: SHA-256 of `decided` in canonical JSON. */
export const restorePlan = z.strictObject({
  version: z.literal(1),
  hash: sha256Hex,
  decided,
  measured,
});
export type RestorePlan = z.infer<typeof restorePlan>;
