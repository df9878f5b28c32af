import { AgentError, messageOf } from '../base/agent-error.ts';
import { withinTime } from '../base/within-time.ts';
import type { Check } from '../formats/control.ts';
import { openMonitoringServer, type MonitoringServer } from '../http/monitoring-server.ts';
import type { MonitoringView } from '../http/monitoring-request.ts';
import { METRICS_CONTENT_TYPE, renderMetrics } from '../observe/metrics.ts';
import { processSamples } from '../observe/process-samples.ts';
import { slept, withTimeLimit } from '../mesh/time-limit.ts';
import type { AgentParts } from './agent-parts.ts';
import { metricSamples } from './metric-samples.ts';
import type { ListenerState } from './monitor-facts.ts';
import { remembered } from './remembered.ts';
import { agentStatus } from './status-handler.ts';

/** Prometheus gives up after ten seconds, unless told otherwise. */
const LOOK_LIMIT_MS = 8000;
/** What a member that hangs, or has no quorum, may cost a scrape. */
const ETCD_LIMIT_MS = 2000;
/** However many ask, the member and the disk are asked once in this time. */
const LOOK_GOOD_FOR_MS = 1000;
const LISTEN_AGAIN_MS = 5000;

export function listenerState({ monitoring }: AgentParts['config']): ListenerState | undefined {
  const { enabled, listen } = monitoring;
  if (!enabled) return undefined;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return { listen: `${host}:${listen.port}` };
}

/**
 * Opens the listener for metrics and probes. While its port is taken the agent goes on without it, since what it is for
 * does not hang on being watched; it says so, and tries again until `close`.
 */
export async function openMonitoring(
  parts: AgentParts,
  proveStateWritable: () => Promise<void>,
): Promise<{ close(): Promise<void> }> {
  const { clock, config, log, listener } = parts;
  if (listener === undefined) return { close: () => Promise.resolve() };
  const closing = new AbortController();
  const view = viewOf(parts, proveStateWritable, closing.signal);
  let server: MonitoringServer | undefined;
  const listen = async (): Promise<void> => {
    try {
      server = await openMonitoringServer({ listen: config.monitoring.listen, view, log });
      delete listener.problem;
      log.info({ listen: listener.listen }, 'metrics and probes are served');
    } catch (error) {
      if (listener.problem === undefined)
        log.error({ err: error }, 'metrics and probes are not served; the agent works without them');
      listener.problem = messageOf(error);
    }
  };
  const keepTrying = async (): Promise<void> => {
    while (listener.problem !== undefined) {
      if (!(await slept(clock, LISTEN_AGAIN_MS, closing.signal))) return;
      await listen();
    }
  };
  await listen();
  const trying = keepTrying();
  return {
    close: async () => {
      closing.abort(new AgentError('CANCELLED', 'the agent stops'));
      await trying;
      await server?.close();
    },
  };
}

function viewOf(
  parts: AgentParts,
  proveStateWritable: () => Promise<void>,
  signal: AbortSignal,
): MonitoringView {
  const { clock, monitor } = parts;
  const lookLimited = remembered(
    () =>
      withinTime(lookAtAll(parts, signal), {
        clock,
        timeoutMs: LOOK_LIMIT_MS,
        what: 'looking at etcd and the disks',
      }),
    { clock, goodForMs: () => LOOK_GOOD_FOR_MS },
  );
  return {
    health: async () => [loopTurns(), await stateCheck(proveStateWritable)],
    readiness: async () => (await lookLimited()).checks ?? [],
    metrics: async () => {
      const [status, facts, own] = await Promise.all([lookLimited(), monitor.facts(), processSamples()]);
      return {
        contentType: METRICS_CONTENT_TYPE,
        text: await renderMetrics([...metricSamples(status, facts), ...own]),
      };
    },
  };
}

async function lookAtAll(parts: AgentParts, signal: AbortSignal): ReturnType<typeof agentStatus> {
  const late = (): AgentError =>
    new AgentError('ETCD_TIMEOUT', `the member did not answer within ${ETCD_LIMIT_MS} ms`);
  return await withTimeLimit({ clock: parts.clock, timeoutMs: ETCD_LIMIT_MS, signal, late }, (limited) =>
    agentStatus(parts, limited),
  );
}

function loopTurns(): Check {
  return { check: 'loop', passed: true, message: 'the event loop turns, or this would not be answered' };
}

async function stateCheck(prove: () => Promise<void>): Promise<Check> {
  try {
    await prove();
    return { check: 'state', passed: true, message: 'the journal can be written' };
  } catch (error) {
    return { check: 'state', passed: false, message: messageOf(error) };
  }
}
