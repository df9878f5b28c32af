import { withinTime } from '../base/within-time.ts';
import { fileSystemSpace } from '../base/free-space.ts';
import type { Environment } from '../config/environment.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { AgentParts } from './agent-parts.ts';
import { readCertificateExpiries } from './certificate-expiry.ts';
import type { Monitor, MonitorFacts } from './monitor-facts.ts';
import { checkReadiness } from './readiness.ts';
import { remembered } from './remembered.ts';
import { openToolCheck } from './restore-tool-check.ts';
import { drillStaleAfterSeconds, staleAfterSeconds } from './stale-snapshot.ts';

type Watched = Pick<
  AgentParts,
  | 'audit'
  | 'config'
  | 'supervisor'
  | 'lineage'
  | 'operations'
  | 'catalog'
  | 'schedule'
  | 'drillSchedule'
  | 'tally'
  | 'clock'
> & { readonly proveStateWritable: () => Promise<void> };

const SUPERVISOR_GOOD_FOR_MS = 60_000;
const SUPERVISOR_PROBLEM_GOOD_FOR_MS = 10_000;
const LOOK_LIMIT_MS = 3000;

export function openMonitor(parts: Watched, environment: Environment): Monitor {
  const { config, clock, lineage, operations, schedule } = parts;
  const closing = new AbortController();
  const stale = staleAfterSeconds(config, schedule);
  const findTool = openToolCheck({
    toolPath: config.restore.tool,
    etcdPath: config.etcd.binary,
    searchPath: environment.path,
    clock,
    signal: closing.signal,
  });
  const checkSupervisor = openSupervisorCheck(parts, closing.signal);
  return {
    facts: async () => ({
      operation: operationOf(operations),
      audit: { counts: parts.audit.counts, state: parts.audit.state },
      certificates: await readCertificateExpiries(config),
      fileSystems: await spaceOf(parts),
      failedProofs: { new: parts.tally.failedProofs, stored: parts.catalog.failedProofs },
      staleAfterSeconds: stale,
      drillStaleAfterSeconds: drillStaleAfterSeconds(parts.drillSchedule),
    }),
    checks: async (status) =>
      await checkReadiness({
        nowMs: clock.now(),
        status,
        clusterId: lineage.record.clusterId,
        boundBy: operations.boundBy,
        staleAfterSeconds: stale,
        certificates: await readCertificateExpiries(config),
        proveStateWritable: parts.proveStateWritable,
        checkSupervisor: () =>
          withinTime(checkSupervisor(), { clock, timeoutMs: LOOK_LIMIT_MS, what: 'asking the supervisor' }),
        findTool: () =>
          withinTime(findTool(), { clock, timeoutMs: LOOK_LIMIT_MS, what: 'looking for a restore tool' }),
      }),
    close: () => {
      closing.abort();
    },
  };
}

/** Under systemd each look runs a few programs. */
function openSupervisorCheck({ supervisor, clock }: Watched, signal: AbortSignal): () => Promise<void> {
  const ask = remembered(
    () =>
      supervisor.check(signal).then(
        () => undefined,
        (error: unknown) => ({ error }),
      ),
    {
      clock,
      goodForMs: (problem) =>
        problem === undefined ? SUPERVISOR_GOOD_FOR_MS : SUPERVISOR_PROBLEM_GOOD_FOR_MS,
    },
  );
  return async () => {
    const problem = await ask();
    if (problem !== undefined) throw problem.error;
  };
}

/** The one that binds this host, else the newest if it is stuck: it has ended here, and not for the others. */
function operationOf(operations: AgentParts['operations']): OperationView | undefined {
  const views = operations.views();
  const { boundBy } = operations;
  const newest = views[0]?.phase === 'stuck' ? views[0] : undefined;
  return views.find(({ operation }) => operation === boundBy) ?? newest;
}

async function spaceOf({ config, catalog }: Watched): Promise<MonitorFacts['fileSystems']> {
  const { dataDir, walDir } = config.etcd;
  const directories: [string, string][] = [
    ['snapshots', catalog.directory],
    ['state', config.agent.stateDir],
    ['data', dataDir],
    ...(walDir === undefined ? [] : [['wal', walDir] satisfies [string, string]]),
  ];
  const read = directories.map(
    async ([name, path]) => [name, await fileSystemSpace(path).catch(() => undefined)] as const,
  );
  const found = await Promise.all(read);
  return Object.fromEntries(found.flatMap(([name, space]) => (space === undefined ? [] : [[name, space]])));
}
