import { AgentError } from '../base/agent-error.ts';
import type { MemberIdentity } from '../formats/generation.ts';
import type { JoinDecision, MemberFacts } from '../formats/membership.ts';
import type { Standing } from './standing-of.ts';

export type JoinWish = { readonly kind: 'rejoin' } | { readonly kind: 'replace'; readonly name: string };

export interface JoinCircumstances {
  readonly memberName: string;
  readonly peerUrls: readonly string[];
  /** Of the data on this host, where it has any. */
  readonly identity: MemberIdentity | undefined;
  readonly standing: Standing | undefined;
  /** What etcd of this host says of itself, where it answers. */
  readonly own: MemberFacts['etcd'];
  /** Of every agent that answered, this one not included. */
  readonly peers: readonly MemberFacts[];
}

type Member = NonNullable<MemberFacts['etcd']>['members'][number];
type Serving = MemberFacts & { readonly etcd: NonNullable<MemberFacts['etcd']> };

/**
 * How this host becomes a member, from what was wished and what was seen.
 *
 * @throws {AgentError} `MEMBER_CURRENT`, `MEMBER_ALIVE`, `MEMBER_UNKNOWN`, `MEMBER_NO_QUORUM`, `MEMBER_NO_ROOM`, `MEMBER_FORK`.
 *   Nothing was changed.
 */
export function decideJoin(wish: JoinWish, seen: JoinCircumstances): JoinDecision {
  const serving = servingPeers(wish, seen);
  const [first] = serving;
  const { clusterId, members } = first.etcd;
  refuseIfMember(wish, seen, clusterId, members);
  const dead = wish.kind === 'replace' ? [requireDead(wish.name, members, seen)] : [];
  const { remove, reuse } = entriesInTheWay(members, dead, seen.peerUrls);
  const left = members.filter(({ id }) => !remove.some((gone) => gone.id === id) && id !== reuse?.id);
  const asLearner =
    reuse === undefined ? mayBeLearner(left, healthyVoters(left, serving)) : reuse.isLearner === true;
  return {
    kind: wish.kind,
    clusterId,
    memberName: seen.memberName,
    peerUrls: [...seen.peerUrls],
    remove,
    ...(reuse === undefined ? {} : { reuse: reuse.id }),
    asLearner,
    voters: left.filter(({ isLearner }) => isLearner !== true).length + 1,
    through: serving.map(({ agent }) => agent).sort(),
    ...(seen.identity === undefined ? {} : { replaces: seen.identity }),
  };
}

/** The peers whose members serve the cluster that is to be joined, one that can name all members first. */
function servingPeers(wish: JoinWish, seen: JoinCircumstances): [Serving, ...Serving[]] {
  const { standing, peers } = seen;
  if (standing?.kind === 'fork') {
    const operations = standing.generations.map(({ operation }) => operation).join(' and ');
    throw new AgentError(
      'MEMBER_FORK',
      `restores ${operations} began at one cluster, and only one of them can be joined`,
    );
  }
  const serving = peers.filter(
    (peer): peer is Serving => peer.etcd?.hasQuorum === true && !peer.etcd.isLearner,
  );
  const wanted = standing?.kind === 'superseded' ? standing.newest.clusterId : undefined;
  const clusters = [...new Set(serving.map(({ etcd }) => etcd.clusterId))];
  const clusterId = wanted ?? (clusters.length === 1 ? clusters[0] : undefined);
  const [first, ...others] = serving.filter(({ etcd }) => etcd.clusterId === clusterId);
  if (first !== undefined) return [first, ...others];
  const found =
    clusters.length === 0
      ? 'no linked peer serves a cluster with quorum'
      : `peers serve ${clusters.join(' and ')}`;
  const needed = wanted === undefined ? `one cluster to ${wish.kind}` : `cluster ${wanted}`;
  throw new AgentError('MEMBER_NO_QUORUM', `${needed} is wanted, and ${found}`);
}

/** @throws {AgentError} `MEMBER_CURRENT` or `MEMBER_ALIVE` where this host has a member that is none to be given up. */
function refuseIfMember(
  wish: JoinWish,
  { identity, own, standing }: JoinCircumstances,
  clusterId: string,
  members: readonly Member[],
): void {
  const isListed = identity?.clusterId === clusterId && members.some(({ id }) => id === identity.memberId);
  if (isListed) {
    throw new AgentError(
      'MEMBER_CURRENT',
      `this host has the data of member ${identity.memberId}, and cluster ${clusterId} lists it`,
    );
  }
  if (standing?.kind === 'superseded') return;
  if (own !== undefined) {
    throw new AgentError(
      'MEMBER_ALIVE',
      `etcd on this host serves as member ${own.memberId} of cluster ${own.clusterId}`,
    );
  }
  if (wish.kind === 'replace' || identity === undefined || identity.clusterId === clusterId) return;
  throw new AgentError(
    'MEMBER_CURRENT',
    `the data on this host is of cluster ${identity.clusterId}, and no known restore superseded it by cluster ${clusterId}`,
  );
}

function requireDead(name: string, members: readonly Member[], { peers }: JoinCircumstances): Member {
  const named = members.find((member) => member.name === name) ?? members.find(({ id }) => id === name);
  if (named === undefined) {
    const names = members.map((member) => member.name || member.id).join(', ');
    throw new AgentError('MEMBER_UNKNOWN', `the cluster has no member ${name}; it has ${names}`);
  }
  const alive = peers.find(({ etcd }) => etcd?.memberId === named.id);
  if (alive === undefined) return named;
  throw new AgentError(
    'MEMBER_ALIVE',
    `${name} (${named.id}) is the member of ${alive.agent}, and answers there`,
  );
}

/** Entries that must go, and the one that can be used: nobody but this host may have its peer URLs. */
function entriesInTheWay(
  members: readonly Member[],
  dead: readonly Member[],
  peerUrls: readonly string[],
): { readonly remove: JoinDecision['remove']; readonly reuse: Member | undefined } {
  const own = members.filter(
    (member) => !dead.includes(member) && member.peerUrls.some((url) => peerUrls.includes(url)),
  );
  // Without a name it never started, and so never voted.
  const reuse = own.find((member) => member.name === '' && sameUrls(member.peerUrls, peerUrls));
  const stale = own.filter((member) => member !== reuse);
  return {
    remove: [
      ...dead.map(({ id, name }) => ({ id, name, why: 'it is lost, and replaced by this host' })),
      ...stale.map(({ id, name }) => ({
        id,
        name,
        why: 'it has the peer URL of this host, whose data is not its own',
      })),
    ],
    reuse,
  };
}

/** @throws {AgentError} `MEMBER_NO_ROOM` where only a voting member could be added, and the cluster could not bear it. */
function mayBeLearner(left: readonly Member[], healthy: number): boolean {
  const learner = left.find(({ isLearner }) => isLearner === true);
  if (learner === undefined) return true;
  const voters = left.filter(({ isLearner }) => isLearner !== true).length;
  const needed = Math.floor((voters + 1) / 2) + 1;
  if (healthy >= needed) return false;
  throw new AgentError(
    'MEMBER_NO_ROOM',
    `the cluster has the learner ${learner.name || learner.id} already, and ${healthy} of ${voters} voting members are seen healthy: one more that is not up yet would need ${needed}`,
  );
}

function healthyVoters(left: readonly Member[], serving: readonly Serving[]): number {
  const healthy = new Set(serving.map(({ etcd }) => etcd.memberId));
  return left.filter(({ id, isLearner }) => isLearner !== true && healthy.has(id)).length;
}

function sameUrls(some: readonly string[], others: readonly string[]): boolean {
  return [...some].sort().join(' ') === [...others].sort().join(' ');
}
