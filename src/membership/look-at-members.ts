import { AgentError, messageOf } from '../base/agent-error.ts';
import { probeResponse } from '../formats/host-facts.ts';
import { memberFacts, type JoinDecision, type MemberFacts } from '../formats/membership.ts';
import type { Log } from '../observe/log.ts';
import { decideJoin, type JoinCircumstances, type JoinWish } from './decide-join.ts';
import type { CallPeer } from './lineage-gossip.ts';

interface Looking {
  /** Every agent of the configuration but this one. */
  readonly peers: readonly string[];
  /** This host's own part of what is seen. */
  readonly own: (signal: AbortSignal) => Promise<Omit<JoinCircumstances, 'peers'>>;
  readonly call: CallPeer;
  readonly log: Log;
}

const FACTS_TIMEOUT_MS = 15_000;

/**
 * Asks every peer, decides, and makes sure that a member that is called lost is silent. Changes nothing.
 *
 * @throws {AgentError} what `decideJoin` throws; `MEMBER_ALIVE` when a lost member answers one of the peers.
 */
export async function lookAndDecide(
  looking: Looking,
  wish: JoinWish,
  signal: AbortSignal,
): Promise<JoinDecision> {
  const [own, peers] = await Promise.all([looking.own(signal), factsOfPeers(looking, signal)]);
  const decided = decideJoin(wish, { ...own, peers });
  const urls = urlsOf(decided, peers);
  if (wish.kind === 'rejoin' || urls.length === 0) return decided;
  await Promise.all(
    decided.through.map(async (agent) => {
      const answer = await looking.call(
        agent,
        'host.probe',
        { urls },
        { timeoutMs: FACTS_TIMEOUT_MS, signal },
      );
      const { answering } = probeResponse.parse(answer);
      if (answering.length > 0)
        throw new AgentError('MEMBER_ALIVE', `${answering.join(', ')} of ${wish.name} answers ${agent}`);
    }),
  );
  return decided;
}

async function factsOfPeers({ peers, call, log }: Looking, signal: AbortSignal): Promise<MemberFacts[]> {
  const found = await Promise.all(
    peers.map(async (peer) => {
      try {
        return memberFacts.parse(
          await call(peer, 'member.facts', {}, { timeoutMs: FACTS_TIMEOUT_MS, signal }),
        );
      } catch (error) {
        signal.throwIfAborted();
        log.debug({ peer, error: messageOf(error) }, 'a peer could not be asked of its member');
        return [];
      }
    }),
  );
  return found.flat();
}

/** The URLs of the members that are taken out. */
function urlsOf({ remove }: JoinDecision, peers: readonly MemberFacts[]): string[] {
  const gone = new Set(remove.map(({ id }) => id));
  const members = peers.flatMap(({ etcd }) => etcd?.members ?? []).filter(({ id }) => gone.has(id));
  return [...new Set(members.flatMap(({ peerUrls, clientUrls }) => [...peerUrls, ...clientUrls]))];
}
