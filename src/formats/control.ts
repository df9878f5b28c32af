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
import { auditHead, putBackNote } from './audit-record.ts';
import { doctorReport } from './doctor-report.ts';
import { joinPlan } from './membership.ts';
import { operationView } from './operation-view.ts';
import { takeoverOrder } from './restore-journal.ts';
import { operatorRequest } from './restore-messages.ts';
import { restorePlan, undoPlan } from './restore-plan.ts';
import { snapshotManifest } from './snapshot-manifest.ts';

// What the CLI asks of the agent on the control socket, `POST /v1/<method>` with a JSON body. The answer is
// NDJSON: any number of `progress` lines, then one `result` or one `error`.

const absolutePath = z.string().startsWith('/', 'must be an absolute path').max(4096);
const nothing = z.strictObject({});

/** Many times what a cluster writes in its life, and far from what a number holds exactly. */
export const LARGEST_BUMP = 1_000_000_000_000;

export const planRequest = z.strictObject({
  source: z.discriminatedUnion('from', [
    z.strictObject({ from: z.literal('latest') }),
    z.strictObject({ from: z.literal('snapshot'), id: snapshotId }),
    z.strictObject({ from: z.literal('file'), path: absolutePath }),
    z.strictObject({ from: z.literal('member'), agent: agentName }),
  ]),
  skipHashCheck: z.boolean(),
  reason: z.string().min(1).max(1024).optional(),
  discardCurrent: z.boolean(),
  allowForeign: z.boolean(),
  allowNewerSnapshot: z.boolean().optional(),
  disarmAlarms: z.boolean(),
  /** By how much to raise the revision, or `false` for not at all. Absent: as far as is safe, where every tool can. */
  bumpRevision: z.union([z.literal(false), z.int().min(1).max(LARGEST_BUMP)]).optional(),
  /** `false`: nobody boots the snapshot before the old data is stopped. */
  rehearse: z.boolean().optional(),
  without: z.array(agentName).max(64),
});
export type PlanRequest = z.infer<typeof planRequest>;

/** Bytes and words of work under way. */
const progress = z.object({
  phase: z.string(),
  bytes: sizeBytes.optional(),
  totalBytes: sizeBytes.optional(),
  operation: operationView.optional(),
});
export type Progress = z.infer<typeof progress>;

const saveResult = z.object({
  /** `undefined` when nothing changed since the last one and that was asked to be skipped. */
  manifest: snapshotManifest.optional(),
  skipped: z.literal('unchanged').optional(),
  path: z.string().optional(),
  /** Ids that retention removed afterwards. */
  removed: z.array(snapshotId),
  postSnapshot: z.object({ ok: z.boolean(), failure: failure.optional() }).optional(),
});
export type SaveResult = z.infer<typeof saveResult>;

const verifyResult = z.object({
  verified: z.array(
    z.object({
      id: snapshotId,
      ok: z.boolean(),
      grade: z.string(),
      failure: failure.optional(),
      /** What the proof found; absent where it failed. */
      ...snapshotManifest
        .pick({
          sha256: true,
          sizeBytes: true,
          revision: true,
          compactRevision: true,
          keyCount: true,
          hashKv: true,
        })
        .partial().shape,
      /** The first of them. */
      findings: z.array(z.string()).optional(),
      findingCount: z.int().optional(),
    }),
  ),
});

export const snapshotList = z.object({
  directory: z.string(),
  snapshots: z.array(snapshotManifest.extend({ path: z.string() })),
  /** Directories whose manifest cannot be read: never offered, never hidden. */
  damaged: z.array(z.object({ id: z.string(), message: z.string() })),
});

const drillResult = z.object({
  /** With its new grade. */
  manifest: snapshotManifest,
  etcdVersion: z.string(),
  /** The restore tool: `etcdutl 3.6.16`. */
  tool: z.string(),
  /** What the throw-away etcd served. */
  served: z.object({ revision, keyCount: z.int().nonnegative(), hash: z.int().nonnegative() }),
  /** `file`: with authentication on, what it left in its database was read. */
  readFrom: z.enum(['etcd', 'file']),
  durationMs: z.number().nonnegative(),
});
export type DrillResult = z.infer<typeof drillResult>;

const check = z.object({
  /** One word. */
  check: z.string(),
  passed: z.boolean(),
  /** What was found. */
  message: z.string(),
});
/** One thing that was looked at, for a probe and for a person. */
export type Check = z.infer<typeof check>;

const fenceStatus = z.object({
  /** `superseded`: it is fenced. `rejoining`: its data is being replaced. `fork`: nobody is fenced. */
  state: z.enum(['superseded', 'rejoining', 'fork']),
  /** The operations that tell so: the one that superseded it, or those that began at one cluster. */
  operations: z.array(z.string()),
  since: isoTime.optional(),
  /** Of the data on this host. */
  clusterId: etcdId.optional(),
  memberId: etcdId.optional(),
  /** The cluster that is the right one now. */
  newClusterId: etcdId.optional(),
  problem: z.string().optional(),
  /** What the operator can type next. */
  next: z.array(z.string()),
});
export type FenceStatus = z.infer<typeof fenceStatus>;
/** A schedule as it stands. */
const scheduleStatus = z.object({
  cron: z.string(),
  timeZone: z.string(),
  next: isoTime.optional(),
  running: z.boolean(),
  dropped: z.int(),
  missed: z.int(),
  last: z
    .object({
      startedAt: isoTime.optional(),
      endedAt: isoTime,
      outcome: z.string(),
      detail: z.string().optional(),
    })
    .optional(),
  /** Runs by outcome, over restarts. */
  counts: z.record(z.string(), z.int()).optional(),
});

export const agentStatus = z.object({
  agent: agentName,
  release: z.string(),
  pid: z.int(),
  startedAt: isoTime,
  configFile: z.string(),
  etcd: z.object({
    process: z.enum(['running', 'starting', 'stopped', 'failed']),
    pid: z.int().optional(),
    supervisor: z.string(),
    endpoint: z.string(),
    dataDir: z.string(),
    clusterId: etcdId.optional(),
    memberId: etcdId.optional(),
    leaderId: etcdId.optional(),
    isLearner: z.boolean().optional(),
    /** False also for a learner, which cannot be asked. */
    hasQuorum: z.boolean(),
    revision: revision.optional(),
    version: z.string().optional(),
    dbSizeBytes: sizeBytes.optional(),
    problem: z.string().optional(),
    heldBy: z.string().optional(),
  }),
  /** Why the member is kept stopped outside of operations, or must be looked at by a person. Absent when all is well. */
  fence: fenceStatus.optional(),
  snapshots: z.object({
    directory: z.string(),
    count: z.int(),
    totalBytes: sizeBytes,
    /** How many of each grade; `unreadable` stands for those without a readable manifest. */
    grades: z.record(z.string(), z.int()).optional(),
    /** On the file system of the directory. */
    freeBytes: sizeBytes.optional(),
    newestProved: snapshotManifest.optional(),
    newestBooted: snapshotManifest.optional(),
    running: progress.optional(),
  }),
  schedule: scheduleStatus.optional(),
  /** Of drills. */
  drills: z.object({ schedule: scheduleStatus.optional(), running: z.boolean() }).optional(),
  peers: z.array(
    z.object({
      name: agentName,
      state: z.string(),
      since: isoTime,
      release: z.string().optional(),
      lastError: z.string().optional(),
    }),
  ),
  operations: z.array(operationView),
  /** Of the audit log: its last line, and what is wrong with it. */
  audit: z
    .object({
      path: z.string(),
      head: auditHead.optional(),
      problem: z.string().optional(),
      damage: z.string().optional(),
    })
    .optional(),
  /** What a restore from here needs: those of /readyz. */
  checks: z.array(check).optional(),
  /** The listener for metrics and probes; absent when it is switched off. */
  monitoring: z.object({ listen: z.string(), problem: z.string().optional() }).optional(),
});
export type AgentStatus = z.infer<typeof agentStatus>;

const joinResult = z.object({
  id: z.string(),
  clusterId: etcdId,
  memberId: etcdId.optional(),
  /** What was renamed, and is kept. */
  setAside: z.array(z.object({ from: z.string(), to: z.string() })),
});
export type JoinResult = z.infer<typeof joinResult>;

const cleanResult = z.object({
  olderThanMs: z.int().nonnegative(),
  items: z.array(
    z.object({
      path: z.string(),
      /** The restore or the rejoin that set it aside. */
      operation: z.string(),
      /** `before`: what was found; `restored`: what a rollback took out of service again. */
      kind: z.enum(['before', 'restored']),
      sizeBytes,
      /** When that operation was planned. */
      since: isoTime,
      fate: z.enum(['removable', 'removed', 'kept']),
      /** Why it is kept. */
      why: z.string().optional(),
    }),
  ),
});

/** Every method of the control socket, its parameters and its result. */
export const CONTROL_METHODS = {
  status: { params: nothing, result: agentStatus },
  /** `all`: every peer looks at its own host, too. */
  doctor: { params: z.strictObject({ all: z.boolean() }), result: doctorReport },
  'snapshot.save': { params: z.strictObject({ skipUnchanged: z.boolean() }), result: saveResult },
  'snapshot.copy': { params: nothing, result: saveResult },
  'snapshot.list': { params: nothing, result: snapshotList },
  'snapshot.verify': {
    params: z.strictObject({ ids: z.union([z.literal('all'), z.array(z.string()).min(1)]) }),
    result: verifyResult,
  },
  'snapshot.import': { params: z.strictObject({ path: absolutePath }), result: saveResult },
  'snapshot.export': {
    params: z.strictObject({ id: z.string(), path: absolutePath }),
    result: z.object({ id: snapshotId, path: z.string(), sha256: sha256Hex, sizeBytes }),
  },
  'snapshot.delete': {
    params: z.strictObject({
      id: snapshotId,
      force: z.boolean(),
      requestedBy: z.string().max(256).optional(),
    }),
    result: z.object({ id: snapshotId, freedBytes: sizeBytes }),
  },
  /** A put-back needs no agent but for this: what it is about to write, and what it wrote. */
  'audit.note': { params: putBackNote, result: nothing },
  /** `id`: or `latest`, the newest proved one. */
  'drill.run': { params: z.strictObject({ id: z.string().max(256) }), result: drillResult },
  'restore.plan': { params: planRequest, result: restorePlan },
  /** Of going back to what a finished restore set aside. */
  'restore.undo.plan': {
    params: z.strictObject({ operation: operationId, without: z.array(agentName).max(64) }),
    result: undoPlan,
  },
  /** Starts the confirmed plan and follows it: each change is a `progress` line with `operation`. Ending the request does not end the operation. */
  'restore.run': {
    params: z.strictObject({ planHash: sha256Hex, requestedBy: z.string().max(256) }),
    result: operationView,
  },
  /** Follows an operation that runs already. */
  'restore.watch': { params: z.strictObject({ operation: operationId.optional() }), result: operationView },
  'restore.status': { params: nothing, result: z.object({ operations: z.array(operationView) }) },
  /** Asks whoever drives it, and follows it. */
  'restore.request': {
    params: operatorRequest.extend({ operation: operationId.optional() }),
    result: operationView,
  },
  /** This host drives it from now on, and follows it. `order`: where no majority of its hosts is left. */
  'restore.takeover': {
    params: z.strictObject({
      operation: operationId.optional(),
      order: takeoverOrder.required({ reason: true }).optional(),
      requestedBy: z.string().max(256),
    }),
    result: operationView,
  },
  /** As a takeover, of an operation that nobody drives any more: it is refused where somebody does. */
  'restore.resume': {
    params: z.strictObject({ operation: operationId.optional(), requestedBy: z.string().max(256) }),
    result: operationView,
  },
  /** Removes data that operations set aside; without `confirmed` it only says which. */
  'restore.clean': {
    params: z.strictObject({
      /** The ID of a restore or of a rejoin: its data, however new. */
      operation: z.string().min(1).max(64).optional(),
      /** Instead of `restore.keepSetAsideDays`. */
      olderThanMs: z.int().nonnegative().optional(),
      /** The paths that a person agreed to, all of them. */
      confirmed: z.array(absolutePath).max(1000).optional(),
      requestedBy: z.string().max(256),
    }),
    result: cleanResult,
  },
  /** What `member.join` would do; what was begun and has not ended is shown again. */
  'member.plan': {
    params: z.strictObject({ replace: z.string().min(1).max(256).optional() }),
    result: z.object({ plan: joinPlan, done: z.array(z.string()).optional(), failure: failure.optional() }),
  },
  /** Carries it out and follows it. Ending the request does not end the work. */
  'member.join': {
    params: z.strictObject({ planHash: sha256Hex, requestedBy: z.string().max(256) }),
    result: joinResult,
  },
} as const;

export type ControlMethod = keyof typeof CONTROL_METHODS;
export type ControlParams<M extends ControlMethod> = z.infer<(typeof CONTROL_METHODS)[M]['params']>;
export type ControlResult<M extends ControlMethod> = z.infer<(typeof CONTROL_METHODS)[M]['result']>;

/** One line of an answer. */
export const controlLine = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), progress }),
  z.object({ type: z.literal('result'), result: z.unknown() }),
  z.object({
    type: z.literal('error'),
    error: failure.extend({ hint: z.string(), details: z.record(z.string(), z.unknown()).optional() }),
  }),
]);
export type ControlLine = z.infer<typeof controlLine>;
