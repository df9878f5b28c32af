import { mkdir } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';
import { systemClock } from '../base/clock.ts';
import { lockDirectory } from '../base/directory-lock.ts';
import { ShutdownStack } from '../base/shutdown-stack.ts';
import { openControlServer } from '../http/control-server.ts';
import { createNotifier } from '../observe/notify.ts';
import type { AgentOptions } from './agent-options.ts';
import type { AgentParts } from './agent-parts.ts';
import { auditHandlers } from './audit-handlers.ts';
import { doctorHandlers, doctorMethods } from './doctor-handlers.ts';
import { drillHandlers } from './drill-handlers.ts';
import { openDrills } from './open-drills.ts';
import { openMonitor } from './monitor.ts';
import { openLocalParts, type LocalParts } from './open-local-parts.ts';
import { memberHandlers } from './member-handlers.ts';
import { openMembership } from './open-membership.ts';
import { listenerState, openMonitoring } from './open-monitoring.ts';
import { openRestores } from './open-restores.ts';
import { openPlanStore } from './plan-store.ts';
import { restoreHandlers } from './restore-handlers.ts';
import { scheduleDrills, yieldToRestores } from './scheduled-drills.ts';
import { scheduleSnapshots } from './scheduled-snapshots.ts';
import { snapshotHandlers } from './snapshot-handlers.ts';
import { openStateProbe } from './state-probe.ts';
import { agentStatus } from './status-handler.ts';
import { watchCluster } from './watch-cluster.ts';

/** How long each part may take to close. Less, in sum, than TimeoutStopSec of the unit. */
const CLOSE_GRACE_MS = 20_000;

/**
 * Builds the agent bottom-up. Whatever fails on the way, everything opened so far is closed again.
 * What a crash interrupted is read back before anything listens, schedules or serves.
 */
export async function startAgent(options: AgentOptions): Promise<{ stop(): Promise<void> }> {
  const opened = new ShutdownStack(CLOSE_GRACE_MS);
  try {
    await open(options, opened);
    return { stop: () => opened.closeAll() };
  } catch (error) {
    await opened.closeAll();
    throw error;
  }
}

async function open(options: AgentOptions, opened: ShutdownStack): Promise<void> {
  const { config, log, signal } = options;
  const { stateDir } = config.agent;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(stateDir);
  opened.onClose('lock', () => lock.close());
  const local = await openLocalParts(options, opened);
  const base = { ...local, drills: await openDrills(options, local, opened) };
  const { operations, methods, mesh } = await openRestores(options, base, opened);
  signal.throwIfAborted();
  const proveStateWritable = openStateProbe(stateDir, base.clock);
  const membership = openMembership(options, base, { operations, methods, mesh }, opened);
  const running = { ...base, operations, mesh, ...membership, call: methods.call, proveStateWritable };
  const parts = await openServices(options, running, opened);
  methods.alsoServe(doctorMethods(parts, options.environment));
  const plans = await openPlanStore(stateDir);
  const control = await openControlServer({
    socketPath: config.agent.controlSocket,
    ...(config.agent.controlSocketGroup === undefined ? {} : { group: config.agent.controlSocketGroup }),
    handlers: {
      status: async (_params, context) => await agentStatus(parts, context.signal),
      ...snapshotHandlers(parts),
      ...restoreHandlers(parts, plans),
      ...drillHandlers(parts),
      ...doctorHandlers(parts, options.environment),
      ...memberHandlers(parts),
      ...auditHandlers(parts),
    },
    log,
  });
  opened.onClose('control socket', () => control.close());
  const monitoring = await openMonitoring(parts, proveStateWritable);
  opened.onClose('monitoring', () => monitoring.close());
  await notifyReady(options, proveStateWritable, opened);
  log.info({ release: base.release, configFile: options.configFile }, 'the agent serves');
}

/** What runs by itself: the schedule, and the look at which cluster the member is in. */
async function openServices(
  { config, configFile, environment, log }: AgentOptions,
  base: LocalParts &
    Pick<AgentParts, 'drills' | 'operations' | 'mesh' | 'fence' | 'joins' | 'call'> & {
      readonly proveStateWritable: () => Promise<void>;
    },
  opened: ShutdownStack,
): Promise<AgentParts> {
  const started = {
    config,
    configFile,
    startedAt: new Date(base.clock.now()).toISOString(),
    underWay: {},
    tally: { failedProofs: 0 },
    log,
  };
  const watching = new AbortController();
  const watched = watchCluster(base, watching.signal);
  opened.onClose('cluster watch', async () => {
    watching.abort();
    await watched;
  });
  const schedule = await scheduleSnapshots({ ...base, ...started });
  opened.onClose('schedule', async () => {
    await schedule?.close();
  });
  const drillSchedule = await scheduleDrills({ ...base, ...started });
  opened.onClose('schedule of drills', async () => {
    await drillSchedule?.close();
  });
  opened.onClose('drills in restores', yieldToRestores({ ...base, log }));
  const monitor = openMonitor({ ...base, ...started, schedule, drillSchedule }, environment);
  opened.onClose('monitor', () => {
    monitor.close();
  });
  return { ...base, ...started, schedule, drillSchedule, monitor, listener: listenerState(config) };
}

/** A full disk is reported by /healthz; an agent that is killed for it would not find it emptier. */
function unlessFull(error: unknown): void {
  if (!['ENOSPC', 'EDQUOT'].includes(systemCodeOf(error) ?? '')) throw error;
}

async function notifyReady(
  { environment, log }: AgentOptions,
  proveStateWritable: () => Promise<void>,
  opened: ShutdownStack,
): Promise<void> {
  const { notifySocket, watchdogUsec } = environment;
  const notifier = createNotifier({
    ...(notifySocket === undefined ? {} : { notifySocket }),
    ...(watchdogUsec === undefined ? {} : { watchdogUsec }),
    // The loop turned, or this would not run. What /healthz says too.
    isAlive: async () => {
      await proveStateWritable().catch(unlessFull);
      return true;
    },
    clock: systemClock,
    log,
  });
  opened.onClose('notifier', async () => {
    await notifier.stopping();
    await notifier.close();
  });
  await notifier.ready();
}
