import { asAgentError, messageOf } from '../base/agent-error.ts';
import { freeSpaceBytes } from '../base/free-space.ts';
import type { AgentStatus } from '../formats/control.ts';
import { readsLinearizably } from '../restore/cluster-reads.ts';
import type { Schedule } from '../schedule/start-schedule.ts';
import type { AgentParts } from './agent-parts.ts';
import { fenceStatusOf } from './fence-status.ts';

/** What `lifeboat status` shows. What cannot be asked is said so; the rest is shown all the same. */
export async function agentStatus(parts: AgentParts, signal: AbortSignal): Promise<AgentStatus> {
  const { config, release, startedAt, configFile, catalog, listener, operations } = parts;
  const [{ count, totalBytes, grades, newestProved, newestBooted }, freeBytes, etcd] = await Promise.all([
    catalog.summary(),
    freeSpaceBytes(catalog.directory),
    etcdStatus(parts, signal),
  ]);
  const schedule = scheduleState(parts.schedule, config.snapshots.schedule);
  const drillSchedule = scheduleState(parts.drillSchedule, config.drill.schedule);
  const fence = fenceStatusOf(parts.fence.view, parts.joins.unfinished);
  const seen = {
    agent: config.agent.name,
    release,
    pid: process.pid,
    startedAt,
    configFile,
    etcd,
    ...(fence === undefined ? {} : { fence }),
    snapshots: {
      directory: catalog.directory,
      count,
      totalBytes,
      grades,
      freeBytes,
      ...(newestProved === undefined ? {} : { newestProved }),
      ...(newestBooted === undefined ? {} : { newestBooted }),
      ...(parts.underWay.snapshot === undefined ? {} : { running: parts.underWay.snapshot }),
    },
    ...(schedule === undefined ? {} : { schedule }),
    drills: {
      running: parts.drills.isRunning,
      ...(drillSchedule === undefined ? {} : { schedule: drillSchedule }),
    },
    peers: parts.mesh.links().map(({ peer, state, since, release: theirs, lastError }) => ({
      name: peer,
      state,
      since: new Date(since).toISOString(),
      ...(theirs === undefined ? {} : { release: theirs }),
      ...(lastError === undefined ? {} : { lastError }),
    })),
    operations: operations.views().slice(0, 3),
    audit: parts.audit.state,
    ...(listener === undefined ? {} : { monitoring: listener }),
  };
  return { ...seen, checks: await parts.monitor.checks(seen) };
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
    const { clusterId, memberId, leaderId, revision, version, dbSizeBytes, isLearner } =
      await etcd.status(signal);
    const canBeAsked = leaderId !== undefined && !isLearner;
    const quorum = canBeAsked ? await readsLinearizably(etcd, signal).catch(asProblem) : undefined;
    return {
      clusterId,
      memberId,
      ...(leaderId === undefined ? {} : { leaderId }),
      ...(isLearner ? { isLearner } : {}),
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

function scheduleState(
  schedule: Schedule | undefined,
  settings: { readonly cron: string; readonly timeZone: string } | undefined,
): AgentStatus['schedule'] {
  if (schedule === undefined || settings === undefined) return undefined;
  const { next, running, dropped, missed, counts, lastEnded: last } = schedule.status();
  return {
    cron: settings.cron,
    timeZone: settings.timeZone,
    next,
    running,
    dropped,
    missed,
    counts,
    ...(last?.endedAt === undefined
      ? {}
      : {
          last: {
            startedAt: last.startedAt,
            endedAt: last.endedAt,
            outcome: last.outcome ?? 'interrupted',
            ...(last.error === undefined ? {} : { detail: `${last.error.code}: ${last.error.message}` }),
          },
        }),
  };
}
