import { z } from 'zod';
import { memberIdentity } from './generation.ts';
import { memberSeen } from './host-facts.ts';
import { agentName, etcdId, failure, isoTime, sha256Hex } from './identifiers.ts';

// How a host becomes a member again: what agents ask of each other for it, the plan, and the record that outlives a crash.

const urls = z.array(z.string().max(512)).min(1).max(16);

/** `member.facts`: how a host's member stands. */
export const memberFacts = z.object({
  agent: agentName,
  /** By the log, running or not. */
  identity: memberIdentity.optional(),
  /** What the member says of itself while it runs. */
  etcd: z
    .object({
      clusterId: etcdId,
      memberId: etcdId,
      version: z.string().max(64),
      isLearner: z.boolean(),
      hasQuorum: z.boolean(),
      members: z.array(memberSeen).max(64),
    })
    .optional(),
});
export type MemberFacts = z.infer<typeof memberFacts>;

/** `member.add`, asked of a host whose member is in that cluster. */
export const memberAddRequest = z.object({ clusterId: etcdId, peerUrls: urls, isLearner: z.boolean() });
export const memberAddResponse = z.object({ memberId: etcdId, members: z.array(memberSeen).max(64) });

/** `member.remove` and `member.promote`. */
export const memberChangeRequest = z.object({ clusterId: etcdId, memberId: etcdId });

/** What is done to make this host a member: shown, and confirmed by its hash. */
export const joinDecision = z.strictObject({
  kind: z.enum(['rejoin', 'replace']),
  clusterId: etcdId,
  memberName: z.string().max(256),
  peerUrls: urls,
  /** Members that are taken out first, each with why. */
  remove: z.array(z.strictObject({ id: etcdId, name: z.string().max(256), why: z.string() })).max(64),
  /** An entry that was added for this host already, and never started. */
  reuse: etcdId.optional(),
  /** Whether it is added as a learner, and promoted when it has caught up. */
  asLearner: z.boolean(),
  /** The voting members when it is done, this one included. */
  voters: z.int().positive(),
  /** The agents whose members are in the cluster and have quorum. */
  through: z.array(agentName).min(1).max(64),
  /** Of the data that is here now, and is set aside. */
  replaces: memberIdentity.optional(),
});
export type JoinDecision = z.infer<typeof joinDecision>;

export const joinPlan = z.strictObject({
  id: z.string().regex(/^(rejoin|replace)-[0-9]{8}T[0-9]{6}Z$/),
  hash: sha256Hex,
  decided: joinDecision,
  /** What is renamed, each to its new name; nothing where no data is. */
  setAside: z.array(z.strictObject({ from: z.string(), to: z.string() })).max(4),
});
export type JoinPlan = z.infer<typeof joinPlan>;

/** `<stateDir>/join.json`: the rejoin that is under way on this host, or the last one. */
export const joinRecord = z.strictObject({
  version: z.literal(1),
  plan: joinPlan,
  requestedBy: z.string().max(256),
  startedAt: isoTime,
  /** Steps that are done, and are not asked again. */
  done: z.array(z.string()),
  /** The step whose effect has begun. */
  started: z.string().optional(),
  /** Of the entry that was added. */
  memberId: etcdId.optional(),
  /** etcd's `--initial-cluster`, as it is with that entry. */
  initialCluster: z.string().max(65_536).optional(),
  /** Why it goes no further. */
  failure: failure.optional(),
  endedAt: isoTime.optional(),
  /** It was given up: a restore replaced the data. */
  abandoned: z.boolean().optional(),
});
export type JoinRecord = z.infer<typeof joinRecord>;
