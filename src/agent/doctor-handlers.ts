import { asAgentError } from '../base/agent-error.ts';
import type { Environment } from '../config/environment.ts';
import { examineHost } from '../doctor/examine-host.ts';
import type { DoctorSubject } from '../doctor/subject.ts';
import { clockAnswer, hostReport, reportOf, type HostReport } from '../formats/doctor-report.ts';
import type { ControlHandlers } from '../http/control-handlers.ts';
import type { AgentParts } from './agent-parts.ts';
import { configReaders } from './config-readers.ts';
import { staleAfterSeconds } from './stale-snapshot.ts';

type PeerMethod = (peer: string, params: unknown, signal: AbortSignal) => Promise<unknown>;

/** Longer than a peer takes to look, whatever hangs there. */
const PEER_LOOK_TIMEOUT_MS = 60_000;
const CLOCK_TIMEOUT_MS = 5000;

/** What `lifeboat doctor` asks of the agent. */
export function doctorHandlers(parts: AgentParts, environment: Environment): Pick<ControlHandlers, 'doctor'> {
  return {
    doctor: async ({ all }, { signal, onProgress }) => {
      onProgress({ phase: all ? 'asking every host to look' : 'looking' });
      const peers = all ? parts.config.mesh.peers.map(({ name }) => name) : [];
      const hosts = await Promise.all([
        examineHost(subjectOf(parts, environment), signal),
        ...peers.map((peer) => reportOfPeer(parts, peer, signal)),
      ]);
      return reportOf(hosts);
    },
  };
}

/** What peers may ask: the time here, and how this host is. */
export function doctorMethods(
  parts: AgentParts,
  environment: Environment,
): Readonly<Record<string, PeerMethod>> {
  return {
    'host.clock': () => Promise.resolve({ nowMs: parts.clock.now() }),
    'host.doctor': async (_peer, _params, signal) => await examineHost(subjectOf(parts, environment), signal),
  };
}

function subjectOf(parts: AgentParts, environment: Environment): DoctorSubject {
  const { config, configFile, release, clock, etcd, supervisor, catalog, schedule, operations } = parts;
  const stale = staleAfterSeconds(config, schedule);
  return {
    config,
    configFile,
    ...configReaders(configFile),
    release,
    searchPath: environment.path,
    clock,
    etcd,
    supervisor,
    snapshots: () => catalog.list(),
    staleAfterMs: stale === undefined ? undefined : stale * 1000,
    agent: {
      startedAtMs: Date.parse(parts.startedAt),
      links: () => parts.mesh.links(),
      clockOf: async (peer, signal) => {
        const answer = await parts.call(peer, 'host.clock', {}, { timeoutMs: CLOCK_TIMEOUT_MS, signal });
        return clockAnswer.parse(answer).nowMs;
      },
      activeOperation: operations.boundBy,
      audit: parts.audit.state,
      listenerProblem: parts.listener?.problem,
    },
  };
}

/** A peer that cannot be asked is a finding about that host. */
async function reportOfPeer(
  { call, clock }: AgentParts,
  peer: string,
  signal: AbortSignal,
): Promise<HostReport> {
  try {
    const answer = await call(peer, 'host.doctor', {}, { timeoutMs: PEER_LOOK_TIMEOUT_MS, signal });
    return { ...hostReport.parse(answer), agent: peer };
  } catch (error) {
    signal.throwIfAborted();
    const { message, hint } = asAgentError(error);
    return {
      agent: peer,
      by: 'nobody',
      user: '',
      checkedAt: new Date(clock.now()).toISOString(),
      checks: [{ id: 'agent.running', status: 'fail', found: message, hint }],
    };
  }
}
