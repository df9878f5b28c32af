import type { FenceStatus } from '../formats/control.ts';
import type { JoinRecord } from '../formats/membership.ts';
import type { FenceView } from '../membership/fence-keeper.ts';

/** The member's standing as it is shown; `undefined` when there is nothing to say. */
export function fenceStatusOf(view: FenceView, join?: JoinRecord): FenceStatus | undefined {
  const { identity, standing, fence, problem } = view;
  if (join !== undefined) return joiningStatus(join, identity);
  if (standing?.kind === 'fork') {
    const operations = standing.generations.map(({ operation }) => operation);
    const next = ['lifeboat status  # on every host: which of them counts?'];
    return { state: 'fork', ...identity, operations, next };
  }
  if (fence === undefined && problem === undefined) return undefined;
  return {
    state: 'superseded',
    ...identity,
    operations: operationsOf(view),
    ...(fence === undefined ? {} : { since: fence.since }),
    ...(standing?.kind === 'superseded' ? { newClusterId: standing.newest.clusterId } : {}),
    ...(problem === undefined ? {} : { problem }),
    next: ['lifeboat member rejoin'],
  };
}

/** What was begun has the last word: the fence is its own. */
function joiningStatus(
  { plan, startedAt, failure }: JoinRecord,
  identity: FenceView['identity'],
): FenceStatus {
  const problem = failure === undefined ? {} : { problem: `${failure.code}: ${failure.message}` };
  const next = ['lifeboat member rejoin  # follows it, or goes on with it'];
  return {
    state: 'rejoining',
    ...identity,
    operations: [plan.id],
    since: startedAt,
    newClusterId: plan.decided.clusterId,
    ...problem,
    next,
  };
}

function operationsOf({ standing, fence }: FenceView): string[] {
  if (standing?.kind === 'superseded') return [standing.by.operation];
  return fence === undefined ? [] : [fence.by];
}

/** In one sentence, for probes and logs. */
export function fenceWords({
  state,
  operations,
  clusterId = 'an unknown cluster',
  newClusterId,
}: FenceStatus): string {
  const which = operations.join(' and ');
  if (state === 'fork')
    return `restores ${which} began at one cluster: a person must say which of them counts`;
  if (state === 'rejoining') return `the member is on its way back into a cluster (${which})`;
  const instead = newClusterId === undefined ? '' : ` by cluster ${newClusterId}`;
  return `the member is fenced: restore ${which} superseded its cluster ${clusterId}${instead}. Next: lifeboat member rejoin`;
}
