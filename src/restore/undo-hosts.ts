import { AgentError } from '../base/agent-error.ts';
import type { HostFacts, SetAsideFacts } from '../formats/host-facts.ts';
import type { UndoHost } from '../formats/restore-plan.ts';
import { majorityOf } from './ballot.ts';
import { planHost } from './plan-host.ts';

type SetAsideData = NonNullable<SetAsideFacts['data']>;

/** The database that knows most of a cluster: all that it says was committed, and the others catch up to it. */
export function mostAdvanced(
  setAside: readonly SetAsideFacts[],
  clusterId: string,
): (SetAsideData & { readonly path: string }) | undefined {
  return setAside
    .flatMap(({ path, data }) => (data?.clusterId === clusterId ? [{ ...data, path }] : []))
    .sort((a, b) => b.revision - a.revision || (b.appliedIndex ?? 0) - (a.appliedIndex ?? 0))[0];
}

interface HostAsFound {
  readonly host: HostFacts;
  readonly setAside: SetAsideFacts | undefined;
}

/** What an undo does with one host, and why where it does not serve afterwards. */
export function undoHost(
  { host, setAside }: HostAsFound,
  old: Pick<SetAsideData, 'clusterId' | 'members'>,
): UndoHost {
  const named = planHost(host);
  // Present data first: what is set aside beside it is older.
  if (host.clusterId === old.clusterId && host.memberId !== undefined) {
    return {
      ...named,
      action: 'keep',
      why: `its present data is of member ${host.memberId} of that cluster`,
    };
  }
  const data = setAside?.data;
  if (data?.clusterId !== old.clusterId) return { ...named, action: 'vacate', why: whatElse(setAside) };
  const why = whyNotServing(data, old.members, host);
  const { memberId, revision } = data;
  return why === undefined
    ? { ...named, action: 'swap', memberId, revision }
    : { ...named, action: 'vacate', why };
}

function whatElse({ path, data, problem }: Partial<SetAsideFacts> = {}): string {
  if (data !== undefined) return `${path ?? 'what is set aside'} is of cluster ${data.clusterId}`;
  return problem ?? 'it was not asked what it has';
}

function whyNotServing(
  { memberId }: SetAsideData,
  members: SetAsideData['members'],
  { peerUrls }: HostFacts,
): string | undefined {
  const member = members.find(({ id }) => id === memberId);
  if (member === undefined)
    return `its set-aside data is of member ${memberId}, which the cluster had removed`;
  if (member.isLearner === true)
    return 'its set-aside member is a learner, which answers no question of the gate';
  if (member.peerUrls.some((url) => peerUrls.includes(url))) return undefined;
  return `its set-aside member has the peer URLs ${member.peerUrls.join(', ')}, and the host has ${peerUrls.join(', ')} now`;
}

/**
 * How many members that serve the old cluster may lose.
 *
 * @throws {AgentError} `UNDO_INCOMPLETE` where too few of its members could serve, with what was found on each host.
 */
export function toleranceOf(
  { clusterId, members }: Pick<SetAsideData, 'clusterId' | 'members'>,
  hosts: readonly UndoHost[],
): number {
  const voters = members.filter(({ isLearner }) => isLearner !== true).length;
  const needed = majorityOf(voters);
  const swapped = hosts.flatMap((host) => (host.action === 'swap' ? [host] : []));
  const distinct = new Set(swapped.map(({ memberId }) => memberId)).size;
  if (distinct === swapped.length && distinct >= needed) return distinct - needed;
  const found = hosts.map((host) =>
    host.action === 'swap'
      ? `${host.agent} has member ${host.memberId}`
      : `${host.agent} cannot be swapped: ${host.why}`,
  );
  throw new AgentError(
    'UNDO_INCOMPLETE',
    `cluster ${clusterId} had ${voters} voting members and needs ${needed} of them: ${found.join('; ')}`,
    { details: { hosts: hosts.filter(({ action }) => action !== 'swap').map(({ agent }) => agent) } },
  );
}
