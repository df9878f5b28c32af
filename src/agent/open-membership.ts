import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { ShutdownStack } from '../base/shutdown-stack.ts';
import type { EtcdMember } from '../etcd/cluster.ts';
import type { KnownMember } from '../formats/generation.ts';
import { FenceKeeper } from '../membership/fence-keeper.ts';
import { Joins } from '../membership/joins.ts';
import { LineageGossip } from '../membership/lineage-gossip.ts';
import { localIdentity } from '../membership/local-identity.ts';
import { lookAndDecide } from '../membership/look-at-members.ts';
import { factsOfMember, memberMethods } from '../membership/serve-members.ts';
import { standingOf } from '../membership/standing-of.ts';
import { keepWalLink } from '../membership/wal-link.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Log } from '../observe/log.ts';
import type { Operations } from '../restore/operations.ts';
import type { AgentOptions } from './agent-options.ts';
import { joinEtcdOptions } from './join-etcd-options.ts';
import type { LocalParts } from './open-local-parts.ts';
import type { PeerMethods } from './peer-methods.ts';

const LOOK_EVERY_MS = 15_000;

interface Running {
  readonly operations: Operations;
  readonly methods: PeerMethods;
  readonly mesh: Mesh;
}

export interface Membership {
  readonly fence: FenceKeeper;
  readonly joins: Joins;
}

/** Tells peers of restores, hears of theirs, keeps a superseded member stopped, and brings it back when it is told to. */
export function openMembership(
  options: AgentOptions,
  base: LocalParts,
  running: Running,
  opened: ShutdownStack,
): Membership {
  const { config, log } = options;
  const { audit, clock, lineage, supervisor, etcd } = base;
  const { operations, methods } = running;
  const identity = (signal: AbortSignal) => localIdentity(config.etcd, signal);
  const gossip = new LineageGossip({ lineage, identity, call: methods.call, log });
  const joins = openJoins(options, base, running);
  const fence = new FenceKeeper({
    supervisor,
    identity,
    generations: () => lineage.record.generations,
    peerIdentities: () => gossip.peerIdentities,
    isBound: () => operations.boundBy !== undefined || joins.unfinished !== undefined,
    audit,
    clock,
    log,
  });
  const wake = openWake(clock);
  methods.alsoServe({
    ...memberMethods({ agent: config.agent.name, etcd, identity }),
    'generation.exchange': async (peer, params, signal) => {
      const answer = await gossip.answer(peer, params, signal);
      wake.ring();
      return answer;
    },
  });
  operations.guards.push(() => {
    if (!joins.isRunning) return;
    const words = `${config.agent.name} is on its way back into a cluster (${joins.unfinished?.plan.id ?? ''})`;
    throw new AgentError('OPERATION_IN_PROGRESS', words);
  });
  opened.onClose('joins', () => joins.close());
  const look = async (signal: AbortSignal): Promise<void> => {
    if (operations.boundBy !== undefined) await joins.abandon();
    const isTouched = operations.views().length > 0 || joins.wasBegun;
    if (isTouched) await keepWalLink(config.agent.stateDir, config.etcd);
    const links = running.mesh.links().filter(({ state }) => state === 'connected');
    await gossip.exchange(links, signal);
    await fence.look(signal);
  };
  keepLooking({ look, wake, log, ends: listen(wake, joins, lineage, running) }, opened);
  joins.resume();
  return { fence, joins };
}

function openJoins(
  { config, log }: AgentOptions,
  { audit, clock, lineage, supervisor, etcd, joinStore }: LocalParts,
  { operations, methods }: Running,
): Joins {
  const { memberName, peerUrls } = config.etcd;
  const served = {
    agent: config.agent.name,
    etcd,
    identity: (signal: AbortSignal) => localIdentity(config.etcd, signal),
  };
  const own = async (signal: AbortSignal) => {
    const facts = await factsOfMember(served, signal);
    const { generations } = lineage.record;
    const standing = facts.identity === undefined ? undefined : standingOf(facts.identity, generations);
    return { memberName, peerUrls, identity: facts.identity, standing, own: facts.etcd };
  };
  const peers = config.mesh.peers.map(({ name }) => name);
  return new Joins({
    store: joinStore,
    places: config.etcd,
    supervisor,
    etcd,
    decide: (wish, signal) => lookAndDecide({ peers, own, call: methods.call, log }, wish, signal),
    joinEtcd: (signal) => joinEtcdOptions(config, clock, signal),
    boundBy: () => operations.boundBy,
    joined: async (clusterId) => {
      const { members } = await etcd.members(new AbortController().signal);
      await lineage.sawCluster(clusterId, members.map(seenMember));
    },
    call: methods.call,
    audit,
    clock,
    log,
  });
}

function seenMember({ id, name, peerUrls, clientUrls }: EtcdMember): KnownMember {
  return { id, name, peerUrls: [...peerUrls], clientUrls: [...clientUrls] };
}

function listen(
  wake: Wake,
  joins: Joins,
  lineage: LocalParts['lineage'],
  { mesh, operations }: Running,
): (() => void)[] {
  joins.onEnded(wake.ring);
  const unbound = operations.onChange((operation) => {
    if (!operation.isActive) wake.ring();
  });
  return [mesh.onLinkChange(wake.ring), lineage.onGenerations(wake.ring), unbound];
}

interface Looking {
  readonly look: (signal: AbortSignal) => Promise<void>;
  readonly wake: Wake;
  readonly log: Log;
  /** What ends the listening. */
  readonly ends: readonly (() => void)[];
}

/** At every change, and once in a while. */
function keepLooking({ look, wake, log, ends }: Looking, opened: ShutdownStack): void {
  const closing = new AbortController();
  const watch = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await look(closing.signal).catch((error: unknown) => {
        if (closing.signal.aborted) return;
        log.error({ err: error }, 'the standing of this host could not be looked at; tried again');
      });
      await wake.next(closing.signal);
    }
  };
  const watching = watch();
  opened.onClose('membership', async () => {
    closing.abort();
    for (const end of ends) end();
    await watching;
  });
}

interface Wake {
  readonly ring: () => void;
  /** Resolves at the next ring, in a while without one, or when the signal ends it. A ring that nobody waited for is not lost. */
  next(signal: AbortSignal): Promise<void>;
}

function openWake(clock: Clock): Wake {
  let rung = false;
  let wakeUp = (): void => undefined;
  return {
    ring: () => {
      rung = true;
      wakeUp();
    },
    next: async (signal) => {
      const waking = new AbortController();
      wakeUp = () => {
        waking.abort();
      };
      signal.addEventListener('abort', wakeUp, { once: true });
      if (rung || signal.aborted) wakeUp();
      await clock.sleep(LOOK_EVERY_MS, waking.signal).catch(() => undefined);
      signal.removeEventListener('abort', wakeUp);
      rung = false;
    },
  };
}
