import { asAgentError, messageOf } from '../base/agent-error.ts';
import type { AgentStatus } from '../formats/control.ts';
import { readsLinearizably } from '../restore/cluster-reads.ts';
import type { AgentParts } from './agent-parts.ts';

/** What `lifeboat status` shows. What cannot be asked is said so; the rest is shown all the same. */
export async function agentStatus(parts: AgentParts, signal: AbortSignal): Promise<AgentStatus> {
  const { config, release, startedAt, configFile, catalog, operations } = parts;
  const snapshots = await catalog.list();
  const newestProved = await catalog.newestProved();
  const schedule = scheduleStatus(parts);
  return {
    agent: config.agent.name,
    release,
    pid: process.pid,
    startedAt,
    configFile,
    etcd: await etcdStatus(parts, signal),
    snapshots: {
      directory: catalog.directory,
      count: snapshots.length,
      totalBytes: snapshots.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      ...(newestProved === undefined ? {} : { newestProved }),
      ...(parts.underWay.snapshot === undefined ? {} : { running: parts.underWay.snapshot }),
    },
    ...(schedule === undefined ? {} : { schedule }),
    peers: parts.mesh.links().map(({ peer, state, since, release: theirs, lastError }) => ({
      name: peer,
      state,
      since: new Date(since).toISOString(),
      ...(theirs === undefined ? {} : { release: theirs }),
      ...(lastError === undefined ? {} : { lastError }),
    })),
    operations: operations.views().slice(0, 3),
  };
}

async function etcdStatus(parts: AgentParts, signal: AbortSignal): Promise<AgentStatus['etcd']> {
  const { supervisor, config } = parts;
  const heldBy = await supervisor.heldBy();
  const state = await supervisor.state(signal).catch((error: unknown) => ({
    state: 'failed' as const,
    pid: undefined,
    detail: messageOf(error),
  }));
  const common = {
    process: state.state,
    ...(state.pid === undefined ? {} : { pid: state.pid }),
    supervisor: supervisor.kind,
    endpoint: config.etcd.endpoint,
    dataDir: config.etcd.dataDir,
    ...(heldBy === undefined ? {} : { heldBy }),
  };
  const member = await memberStatus(parts, signal);
  // Why it does not run says more than that it does not answer. etcd's own last lines are in its log.
  const [reason] = state.state === 'running' ? [] : (state.detail ?? '').split('\n');
  return { ...common, ...member, ...(reason ? { problem: reason } : {}) };
}

async function memberStatus(
  { etcd }: AgentParts,
  signal: AbortSignal,
): Promise<Partial<AgentStatus['etcd']> & { hasQuorum: boolean }> {
  try {
    const { clusterId, memberId, leaderId, revision, version, dbSizeBytes } = await etcd.status(signal);
    const quorum =
      leaderId === undefined ? undefined : await readsLinearizably(etcd, signal).catch(asProblem);
    return {
      clusterId,
      memberId,
      ...(leaderId === undefined ? {} : { leaderId }),
      revision,
      version,
      dbSizeBytes,
      hasQuorum: quorum === true,
      ...(typeof quorum === 'string' ? { problem: quorum } : {}),
    };
  } catch (error) {
    return { hasQuorum: false, problem: asProblem(error) };
  }
}

function asProblem(error: unknown): string {
  return asAgentError(error).message;
}

function scheduleStatus({ schedule, config }: AgentParts): AgentStatus['schedule'] {
  const settings = config.snapshots.schedule;
  if (schedule === undefined || settings === undefined) return undefined;
  const { next, running, dropped, missed, last } = schedule.status();
  return {
    cron: settings.cron,
    timeZone: settings.timeZone,
    next,
    running,
    dropped,
    missed,
    ...(last?.endedAt === undefined
      ? {}
      : {
          last: {
            endedAt: last.endedAt,
            outcome: last.outcome ?? 'interrupted',
            ...(last.error === undefined ? {} : { detail: `${last.error.code}: ${last.error.message}` }),
          },
        }),
  };
}
