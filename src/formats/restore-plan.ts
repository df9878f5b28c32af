import { z } from 'zod';
import { generation } from './generation.ts';
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

/** What of a host every operation must know. */
const planHost = z.strictObject({
  agent: agentName,
  /** Made once per state directory: a reimaged host has another and is not believed. */
  journalId: z.uuid(),
  memberName: z.string(),
  peerUrls: z.array(z.string()).min(1),
  dataDir: absolutePath,
  walDir: absolutePath.optional(),
  found: foundState,
  etcdVersion: z.string().optional(),
});
export type PlanHost = z.infer<typeof planHost>;

const restoreHost = planHost.extend({ toolPath: absolutePath, toolVersion: z.string() });
export type RestoreHost = z.infer<typeof restoreHost>;

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

/** Hosts that the operator swears are dead, with the URLs that must stay silent. */
const deadHosts = z.array(z.strictObject({ agent: agentName, urls: z.array(z.string()) }));

/** Alarms that the data carries, and what is done about them. */
const planAlarms = z.strictObject({
  carried: z.array(alarm),
  action: z.enum(['none', 'tolerate', 'disarm']),
});

/** A cluster that the operation takes out of service, and those of its members that any host knows. */
const superseded = z.strictObject({ clusterId: etcdId, memberIds: z.array(etcdId).max(64).optional() });

/** What was decided of a restore: the operator confirms the hash of exactly this. */
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
  without: deadHosts,
  alarms: planAlarms,
  /** Absent in plans of releases that could not raise it. */
  revisions: planRevisions.optional(),
  /** Absent in plans of releases that could not rehearse. */
  rehearsal: planRehearsal.optional(),
  /** Where any host knows it. */
  supersedes: superseded.optional(),
  hosts: z.array(restoreHost).min(1),
});
export type PlanDecision = z.infer<typeof decided>;

const undoHost = z.discriminatedUnion('action', [
  /** The data that the undone operation set aside is swapped in for the present one, and serves. */
  planHost.extend({
    action: z.literal('swap'),
    memberId: etcdId,
    /** Of its database. The most advanced member has the revision of the cluster, and the others catch up by raft. */
    revision,
  }),
  /** Its present data is of the old cluster: it missed the undone operation. It does again what it was found doing. */
  planHost.extend({ action: z.literal('keep'), why: z.string() }),
  /** It has no data of the old cluster that can serve: its present data is set aside, and it stays stopped until it rejoins. */
  planHost.extend({ action: z.literal('vacate'), why: z.string() }),
]);
export type UndoHost = z.infer<typeof undoHost>;

/** What was decided of an undo: no snapshot, but what a finished operation set aside. The operator confirms the hash of exactly this. */
const undoDecided = z.strictObject({
  operation: operationId,
  coordinator: agentName,
  /** What the operation that is undone left behind: it will be revoked. Its parent is the cluster that is gone back to. */
  undoes: generation.required({ parentClusterId: true }),
  /** The cluster that is gone back to, as its most advanced database knows it. */
  returnsTo: z.strictObject({
    clusterId: etcdId,
    revision,
    members: z
      .array(
        z.strictObject({
          id: etcdId,
          name: z.string(),
          peerUrls: z.array(z.string()),
          isLearner: z.boolean().optional(),
        }),
      )
      .min(1)
      .max(64),
  }),
  without: deadHosts,
  /** Members of the present cluster on no host of the plan: they must stay silent too. */
  strangerUrls: z.array(z.string()),
  alarms: planAlarms,
  supersedes: superseded,
  hosts: z.array(undoHost).min(1),
});
export type UndoDecision = z.infer<typeof undoDecided>;

export type OperationDecision = PlanDecision | UndoDecision;

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
  /** Revisions between what is gone back to and `newest`: what will be lost. Of an undo, what was written since the undone operation. */
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
      /** Of a restore. */
      holdsSnapshot: z.boolean().optional(),
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

/** What an undo of a finished restore will do, likewise. */
export const undoPlan = z.strictObject({
  version: z.literal(1),
  hash: sha256Hex,
  decided: undoDecided,
  measured,
});
export type UndoPlan = z.infer<typeof undoPlan>;

export const operationPlan = z.union([restorePlan, undoPlan]);
export type OperationPlan = z.infer<typeof operationPlan>;

export function isUndo(plan: OperationPlan): plan is UndoPlan {
  return 'undoes' in plan.decided;
}
