import type { EtcdState } from '../supervisor/supervisor.ts';
import { fail, ok, skipped, warn, type Check } from './check.ts';

/** What the member says, asked at `etcd.endpoint`. */
export interface MemberFacts {
  /** Why it does not answer. */
  readonly problem?: string;
  readonly hint?: string;
  readonly version?: string;
  /** The name of the member that answered, as its cluster knows it. */
  readonly name?: string;
  readonly revision?: number;
  readonly dbSizeBytes?: number;
  readonly isLearner?: boolean;
  /** Why no linearizable read came back; absent when one did. */
  readonly quorumProblem?: string;
  /** etcd's own complaints: alarms, no leader. */
  readonly errors: readonly string[];
}

/** Whether etcd's process is there. */
export function judgeProcess(state: EtcdState, unit: string): Check {
  const id = 'etcd.process';
  const pid = state.pid === undefined ? '' : `, process ${state.pid}`;
  if (state.state === 'running') return ok(id, `${unit} runs${pid}`);
  const [detail = ''] = (state.detail ?? '').split('\n');
  const found = `${unit} is ${state.state}${pid}${detail === '' ? '' : `: ${detail}`}`;
  const hint = `\`systemctl status ${unit}\`, \`journalctl -u ${unit}\`. Where its data is lost: \`lifeboat restore plan\`.`;
  return state.state === 'starting' ? warn(id, found, hint) : fail(id, found, hint);
}

/** Whether the member that answers is the one of this host, and works. */
export function judgeMember(facts: MemberFacts, memberName: string, endpoint: string): Check {
  const id = 'etcd.member';
  if (facts.problem !== undefined) {
    return fail(id, facts.problem, facts.hint ?? 'Is `etcd.endpoint` one of its client URLs?');
  }
  if (facts.name !== undefined && facts.name !== memberName) {
    return fail(
      id,
      `at ${endpoint} answers the member ${facts.name}, not ${memberName}`,
      "`etcd.endpoint` must be this host's own member, not another and not a load balancer.",
    );
  }
  const found = `${memberName} answers at ${endpoint}: etcd ${facts.version ?? 'of unknown version'}, revision ${facts.revision ?? 'unknown'}`;
  if (facts.quorumProblem !== undefined) {
    return fail(
      id,
      `${found}; the cluster has no quorum: ${facts.quorumProblem}`,
      'Bring other members up, or `lifeboat restore plan`.',
    );
  }
  if (facts.errors.length > 0) {
    return warn(
      id,
      `${found}; it says: ${facts.errors.join('; ')}`,
      'See `etcdctl alarm list`. An alarm outlives a restore.',
    );
  }
  if (facts.isLearner === true) {
    return warn(id, `${found}; it is a learner`, 'Promote it, or take the snapshots on a voting member.');
  }
  return ok(id, found);
}

/** A member that is down says nothing; that it is down is another check's word. Its log, if there is one, says who it is. */
export function memberIsDown(identity?: { readonly memberId: string; readonly clusterId: string }): Check {
  const found = 'etcd does not run';
  if (identity === undefined) return skipped('etcd.member', found);
  const { memberId, clusterId } = identity;
  return skipped('etcd.member', `${found}; by its log it is member ${memberId} of cluster ${clusterId}`);
}
