import { manifestRequest, probeRequest, setAsideRequest } from '../formats/host-facts.ts';
import {
  advanceRequest,
  gateRequest,
  operatorRequest,
  outcomeRequest,
  promiseRequest,
} from '../formats/restore-messages.ts';
import { parseParams } from '../mesh/parse-params.ts';
import { inspectHost } from './inspect-host.ts';
import { inspectSetAside } from './inspect-set-aside.ts';
import type { OperationsOptions } from './operations-options.ts';
import type { Operations } from './operations.ts';
import { probeUrls } from './plan-operation.ts';
import { probeGate } from './probe-gate.ts';

type Answer = (peer: string, params: unknown, signal: AbortSignal) => Promise<unknown>;

/** What peers may ask of this host's restore. Parameters are validated here; a mismatch is the asker's `FRAME_INVALID`. */
export function restoreMethods(
  operations: Operations,
  options: OperationsOptions,
): Readonly<Record<string, Answer>> {
  const { host, supervisor, etcd, catalog, lineage, clock, prover } = options;
  return {
    'host.facts': async (_peer, _params, signal) =>
      await inspectHost(
        { host, supervisor, etcd, catalog, lineage, activeOperation: operations.boundBy },
        signal,
      ),
    'host.set-aside': async (_peer, params, signal) =>
      await inspectSetAside({ host, prover, ...parseParams(setAsideRequest, params) }, signal),
    'snapshot.manifest': async (_peer, params) => await catalog.get(parseParams(manifestRequest, params).id),
    'snapshot.verify': async (_peer, params, signal) =>
      await catalog.verify(parseParams(manifestRequest, params).id, signal),
    'host.probe': async (_peer, params, signal) => ({
      answering: await probeUrls(parseParams(probeRequest, params).urls, signal),
    }),
    'restore.advance': async (peer, params, signal) =>
      await operations.advance(peer, parseParams(advanceRequest, params), signal),
    'restore.outcome': (_peer, params) =>
      Promise.resolve(operations.outcomeOf(parseParams(outcomeRequest, params).operation)),
    'restore.gate': async (_peer, params, signal) => {
      const request = parseParams(gateRequest, params);
      const { plan, participant } = operations.get(request.operation);
      participant.requireEpoch(request.epoch);
      // A host that restarted has yet to start etcd again, which then says nothing against the restored data.
      if (participant.state.resumed || participant.state.working)
        return { agent: host.agent, process: 'starting' };
      return await probeGate({ agent: host.agent, plan, supervisor, etcd, clock }, request, signal);
    },
    'restore.promise': async (peer, params) =>
      await operations.promise(peer, parseParams(promiseRequest, params)),
    'restore.request': async (_peer, params) => {
      await operations.request(parseParams(operatorRequest, params));
      return {};
    },
  };
}
