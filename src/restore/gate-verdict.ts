import type { Failure } from '../formats/identifiers.ts';
import type { GateFacts } from '../formats/restore-messages.ts';
import type { OperationDecision } from '../formats/restore-plan.ts';
import { expectedIdentity } from './expected-identity.ts';
import { expectedRevision, firstRevision } from './expected-revision.ts';
import { expectedPeerUrls, servingHosts } from './serving-hosts.ts';

/** What the acceptance gate makes of what the hosts report. */
export type GateVerdict =
  | {
      readonly type: 'passed';
      readonly clusterId: string;
      readonly revision: number;
      readonly hash: number;
      readonly keyCount?: number;
    }
  /** Every member answers and agrees: now compare what they hold at this revision. */
  | { readonly type: 'compare'; readonly revision: number }
  | { readonly type: 'failed'; readonly failure: Failure }
  /** Not yet; `waitingFor` says for what. `unreachable`: a host is silent, which never causes a rollback. */
  | { readonly type: 'waiting'; readonly waitingFor: readonly string[]; readonly unreachable: boolean };

/**
 * Judges the restored cluster by what etcd itself says on every host. Only what can not come right by waiting is
 * a failure here; the runner's time limit turns waiting into one.
 *
 * @param facts - By agent; `undefined` where the host could not be asked.
 * @param without - Hosts that the operator gave up: nothing is expected of them.
 */
export function judgeGate(
  plan: OperationDecision,
  facts: ReadonlyMap<string, GateFacts | undefined>,
  without: readonly string[] = [],
): GateVerdict {
  const waitingFor: string[] = [];
  let unreachable = false;
  const asked = servingHosts(plan).filter((host) => !without.includes(host.agent));
  if (asked.length === 0)
    return { type: 'waiting', waitingFor: ['a host that serves: all are given up'], unreachable: true };
  for (const { agent } of asked) {
    const seen = facts.get(agent);
    if (seen === undefined) {
      unreachable = true;
      waitingFor.push(`${agent}: the agent does not answer`);
      continue;
    }
    const failure = whatIsWrong(plan, seen);
    if (failure !== undefined)
      return { type: 'failed', failure: { code: 'RESTORE_STEP_FAILED', message: `${agent}: ${failure}` } };
    const missing = whatIsMissing(plan, seen);
    if (missing !== undefined) waitingFor.push(`${agent}: ${missing}`);
  }
  if (waitingFor.length > 0) return { type: 'waiting', waitingFor, unreachable };
  return compareContents(
    plan,
    [...facts.values()].filter((seen) => seen !== undefined),
  );
}

/** What no waiting will mend. */
function whatIsWrong(plan: OperationDecision, seen: GateFacts): string | undefined {
  const expected = expectedIdentity(plan);
  const memberId = expected.memberIds.get(seen.agent);
  if (seen.process === 'stopped' || seen.process === 'failed') {
    return `etcd is ${seen.process}${seen.processDetail === undefined ? '' : `: ${seen.processDetail}`}`;
  }
  if (seen.clusterId !== undefined && seen.clusterId !== expected.clusterId) {
    return `etcd serves cluster ${seen.clusterId}, expected ${expected.clusterId}`;
  }
  if (seen.memberId !== undefined && seen.memberId !== memberId) {
    return `etcd is member ${seen.memberId}, expected ${memberId ?? 'none'}`;
  }
  const revision = firstRevision(plan, seen.agent);
  if (seen.revision !== undefined && seen.revision < revision) {
    return `etcd is at revision ${seen.revision}, ${'undoes' in plan ? 'its set-aside database is' : 'the restore left it'} at ${revision}`;
  }
  return membersWrong(plan, seen) ?? countWrong(plan, seen);
}

function membersWrong(plan: OperationDecision, { members }: GateFacts): string | undefined {
  if (members === undefined) return undefined;
  const wanted = expectedPeerUrls(plan)
    .map((urls) => [...urls].sort().join(','))
    .sort();
  const found = members.map((member) => [...member.peerUrls].sort().join(',')).sort();
  if (wanted.join(' ') === found.join(' ')) return undefined;
  return `the member list is ${found.join(' ')}, planned was ${wanted.join(' ')}`;
}

function countWrong(plan: OperationDecision, { keyCount }: GateFacts): string | undefined {
  const wanted = 'undoes' in plan ? undefined : plan.snapshot.keyCount;
  if (keyCount === undefined || wanted === undefined || keyCount === wanted) return undefined;
  return `${keyCount} keys at revision ${expectedRevision(plan)}, the snapshot held ${wanted}`;
}

/** The first thing that is still to come. */
function whatIsMissing(plan: OperationDecision, seen: GateFacts): string | undefined {
  if (seen.process === 'starting') return 'etcd is starting';
  if (seen.problem !== undefined) return seen.problem.message;
  if (seen.leaderId === undefined) return 'no leader yet';
  if (seen.linearizableRead !== true) return 'no linearizable read yet';
  if (seen.write !== true) return 'no write went through yet';
  const revision = expectedRevision(plan);
  if ((seen.revision ?? 0) < revision) return `at revision ${seen.revision ?? 0}, to catch up to ${revision}`;
  return alarmsAsPlanned(plan, seen) ? undefined : 'alarms are not as planned yet';
}

function alarmsAsPlanned({ alarms: planned }: OperationDecision, { alarms }: GateFacts): boolean {
  if (alarms === undefined) return false;
  const tolerated = planned.action === 'tolerate' ? planned.carried.map(({ alarm }) => alarm) : [];
  return alarms.every(({ alarm }) => tolerated.includes(alarm));
}

function compareContents(plan: OperationDecision, facts: readonly GateFacts[]): GateVerdict {
  const leaders = new Set(facts.map(({ leaderId }) => leaderId));
  if (leaders.size > 1) return { type: 'waiting', waitingFor: ['one leader for all'], unreachable: false };
  const revision = Math.max(...facts.map((seen) => seen.revision ?? 0));
  const [first] = facts;
  const hashes = facts.map(({ hashKv }) => hashKv);
  const at = first?.hashKv?.revision;
  if (at === undefined || hashes.some((hash) => hash?.revision !== at)) return { type: 'compare', revision };
  const different = facts.find(({ hashKv }) => hashKv?.hash !== first?.hashKv?.hash);
  if (different !== undefined || first?.hashKv === undefined) {
    const list = facts.map(({ agent, hashKv }) => `${agent} ${hashKv?.hash ?? 'none'}`).join(', ');
    return {
      type: 'failed',
      failure: { code: 'RESTORE_STEP_FAILED', message: `HashKV at revision ${at} differs: ${list}` },
    };
  }
  return {
    type: 'passed',
    clusterId: expectedIdentity(plan).clusterId,
    revision: at,
    hash: first.hashKv.hash,
    ...(first.keyCount === undefined ? {} : { keyCount: first.keyCount }),
  };
}
