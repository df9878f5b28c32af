import { asAgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { ShutdownStack } from '../base/shutdown-stack.ts';
import { FenceKeeper } from '../membership/fence-keeper.ts';
import { LineageGossip } from '../membership/lineage-gossip.ts';
import { localIdentity } from '../membership/local-identity.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Operations } from '../restore/operations.ts';
import type { AgentOptions } from './agent-options.ts';
import type { LocalParts } from './open-local-parts.ts';
import type { PeerMethods } from './peer-methods.ts';

const LOOK_EVERY_MS = 15_000;

interface Running {
  readonly operations: Operations;
  readonly methods: PeerMethods;
  readonly mesh: Mesh;
}

/** Tells peers of restores, hears of theirs, and keeps a superseded member stopped: at every change, and once in a while. */
export function openMembership(
  { config, log }: AgentOptions,
  { clock, lineage, supervisor }: LocalParts,
  { operations, methods, mesh }: Running,
  opened: ShutdownStack,
): FenceKeeper {
  const closing = new AbortController();
  const identity = (signal: AbortSignal) => localIdentity(config.etcd, signal);
  const gossip = new LineageGossip({ lineage, identity, call: methods.call, log });
  const keeper = new FenceKeeper({
    supervisor,
    identity,
    generations: () => lineage.record.generations,
    peerIdentities: () => gossip.peerIdentities,
    isBound: () => operations.boundBy !== undefined,
    clock,
    log,
  });
  const wake = openWake(clock);
  methods.alsoServe({
    'generation.exchange': async (peer, params, signal) => {
      const answer = await gossip.answer(peer, params, signal);
      wake.ring();
      return answer;
    },
  });
  const unlisten = [
    mesh.onLinkChange(wake.ring),
    lineage.onGenerations(wake.ring),
    operations.onChange((operation) => {
      if (!operation.isActive) wake.ring();
    }),
  ];
  const look = async (): Promise<void> => {
    const links = mesh.links().filter(({ state }) => state === 'connected');
    await gossip.exchange(links, closing.signal);
    await keeper.look(closing.signal);
  };
  const watching = (async () => {
    while (!closing.signal.aborted) {
      await look().catch((error: unknown) => {
        if (closing.signal.aborted) return;
        log.error(
          { err: asAgentError(error) },
          'the standing of this host could not be looked at; tried again',
        );
      });
      await wake.next(closing.signal);
    }
  })();
  opened.onClose('membership', async () => {
    closing.abort();
    for (const end of unlisten) end();
    await watching;
  });
  return keeper;
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
