import type { HostFacts } from '../formats/host-facts.ts';
import type { Proposal, RestorePlan } from '../formats/restore-plan.ts';
import { majorityOf } from './ballot.ts';
import { clusterOf, newestMember } from './plan-measurement.ts';
import type { PlanCircumstances } from './plan-wish.ts';

type Seen = Pick<PlanCircumstances, 'facts' | 'silent'>;

/**
 * What can be done about the cluster as it is, the least destructive first. A restore discards what its snapshot does not
 * have; starting a member, or adding one, discards nothing.
 *
 * @param plan - The restore that could be run, where one could.
 */
export function proposeActions(seen: Seen, plan: RestorePlan | undefined): Proposal[] {
  const living = seen.facts.filter((host) => host.etcd?.hasQuorum === true);
  return living.length > 0 ? whileItLives(seen, living) : withoutQuorum(seen, plan);
}

/** Nobody restores a cluster that has quorum: its members can be replaced one by one. */
function whileItLives({ facts, silent }: Seen, living: readonly HostFacts[]): Proposal[] {
  const clusterId = living[0]?.etcd?.clusterId;
  const lame = facts.filter((host) => host.etcd?.clusterId !== clusterId);
  const startable = lame.filter((host) => holdsData(host, clusterId));
  const lost = lame.filter((host) => !startable.includes(host));
  if (lame.length === 0 && silent.length === 0) {
    return [
      {
        ...{ action: 'nothing', hosts: [], loss: 'nothing' },
        what: `the cluster has quorum and every member serves it (${names(living)})`,
      },
    ];
  }
  return [
    ...(startable.length === 0
      ? []
      : [startMembers(startable, 'the cluster has quorum, and they still have their data')]),
    ...lost.map((host) => addMember(host, living)),
    ...silent.map(({ agent, message }) => bringBack(agent, message)),
  ];
}

function withoutQuorum({ facts, silent }: Seen, plan: RestorePlan | undefined): Proposal[] {
  const clusterId = clusterOf(facts);
  const holders = facts.filter((host) => holdsData(host, clusterId));
  const members = countMembers(facts);
  const needed = majorityOf(members);
  const down = holders.filter((host) => host.found !== 'running');
  const proposals: Proposal[] = [];
  if (holders.length >= needed && clusterId !== undefined) {
    proposals.push(
      down.length === 0
        ? lookBetween(holders, members)
        : startMembers(
            down,
            `${holders.length} of ${members} members have their data, and ${needed} make a quorum`,
          ),
    );
  } else if (holders.length + silent.length >= needed) {
    proposals.push(...silent.map(({ agent, message }) => bringBack(agent, message)));
  }
  proposals.push(...saveFirst(facts, plan), ...restoreFrom(plan));
  return proposals;
}

/** A member that can be read has more than the snapshot: it streams its database also without quorum. */
function saveFirst(facts: readonly HostFacts[], plan: RestorePlan | undefined): Proposal[] {
  const newest = newestMember(facts);
  if (newest === undefined) return [];
  const revision = plan?.decided.snapshot.revision;
  if (plan?.measured.lostRevisions === 0 || (revision !== undefined && newest.revision < revision)) return [];
  return [
    {
      ...{ action: 'restore', hosts: facts.map(({ agent }) => agent), lostRevisions: 0 },
      what: `save ${newest.agent} first, which is at revision ${newest.revision}, and restore from that`,
      loss: `only what ${newest.agent} never received`,
      command: `lifeboat snapshot save  # on ${newest.agent}; then lifeboat restore plan`,
    },
  ];
}

function restoreFrom(plan: RestorePlan | undefined): Proposal[] {
  if (plan === undefined) return [];
  const { decided, measured, hash } = plan;
  const { id, revision, takenAt, takenBy } = decided.snapshot;
  const { lostRevisions } = measured;
  return [
    {
      action: 'restore',
      hosts: decided.hosts.map(({ agent }) => agent),
      what: `restore from ${id}, revision ${revision}, which ${takenBy} took at ${takenAt}`,
      loss:
        lostRevisions === undefined
          ? 'everything written after that: how much is not known, as no member can be read'
          : lostRevisions === 0
            ? 'nothing that any member is known to have'
            : `${lostRevisions} revisions that a member still has`,
      ...(lostRevisions === undefined ? {} : { lostRevisions }),
      command: `lifeboat restore run --confirm ${hash}`,
    },
  ];
}

function startMembers(hosts: readonly HostFacts[], why: string): Proposal {
  const dying = hosts.filter(({ found }) => found === 'restarting');
  return {
    ...{ action: 'start', hosts: hosts.map(({ agent }) => agent), loss: 'nothing' },
    what:
      dying.length === 0
        ? `start etcd on ${names(hosts)}: ${why}`
        : `find out why etcd does not stay up on ${names(dying)} (its log), and start it on ${names(hosts)}: ${why}`,
  };
}

function lookBetween(hosts: readonly HostFacts[], members: number): Proposal {
  return {
    ...{ action: 'start', hosts: hosts.map(({ agent }) => agent), loss: 'nothing' },
    what: `${hosts.length} of ${members} members run (${names(hosts)}) and do not see each other: look at the network, the clocks and the certificates between them`,
    command: 'lifeboat doctor --all',
  };
}

function addMember({ agent, memberName }: HostFacts, living: readonly HostFacts[]): Proposal {
  const isListed = living.some((host) => host.etcd?.members.some(({ name }) => name === memberName) === true);
  return {
    ...{ action: 'rejoin', hosts: [agent], loss: 'nothing: the living members have everything' },
    what: `bring ${agent} into the living cluster with an empty data directory; what it has is set aside`,
    command: `lifeboat member ${isListed ? `replace ${memberName}` : 'rejoin'}  # on ${agent}`,
  };
}

function bringBack(agent: string, message: string): Proposal {
  return {
    ...{ action: 'start', hosts: [agent], loss: 'nothing' },
    what: `bring ${agent} back, or find out what it still has: its agent does not answer (${message})`,
    command: `lifeboat doctor  # on ${agent}`,
  };
}

/** Whether etcd could be started there as a member of that cluster. A fenced host's data is of another one. */
function holdsData({ found, clusterId }: HostFacts, of: string | undefined): boolean {
  return found !== 'absent' && clusterId !== undefined && clusterId === of;
}

/** As the cluster itself last counted; hosts that were never asked count as one each. */
function countMembers(facts: readonly HostFacts[]): number {
  const lists = facts.map((host) => host.etcd?.members ?? host.knownMembers);
  const voting = lists.map((list) => list.filter(({ isLearner }) => isLearner !== true).length);
  return Math.max(...voting, 0) || facts.length;
}

function names(hosts: readonly HostFacts[]): string {
  return hosts.map(({ agent }) => agent).join(', ');
}
