import { systemClock } from '../../../src/base/clock.ts';
import type { DrillContext } from '../../../src/drill/drill-context.ts';
import type { DrillRequest, DrillReport } from '../../../src/drill/run-drill.ts';
import { runDrill } from '../../../src/drill/run-drill.ts';
import type { Catalog } from '../../../src/snapshot/catalog.ts';
import { etcdBinary, findEtcdBinary } from '../../support/etcd-binaries.ts';
import { silentLog } from '../../support/silent-log.ts';
import { testProver } from '../../support/thread-programs.ts';

export const NEVER = new AbortController().signal;

/** What a drill of this catalog needs, with the etcd under test. */
export function drillContext(catalog: Catalog, changes: Partial<DrillContext> = {}): DrillContext {
  return {
    catalog,
    prover: testProver,
    agent: 'host-a',
    launch: { etcdPath: etcdBinary('etcd'), searchPath: process.env['PATH'] ?? '' },
    toolPath: findEtcdBinary('etcdutl') ?? etcdBinary('etcdctl'),
    runningVersion: () => Promise.resolve(undefined),
    stallMs: 30_000,
    clock: systemClock,
    log: silentLog,
    ...changes,
  };
}

export interface DrillRun {
  readonly report: DrillReport;
  readonly phases: readonly string[];
}

/** A drill, and the phases that it went through. */
export async function drill(
  context: DrillContext,
  request: DrillRequest,
  signal: AbortSignal = NEVER,
): Promise<DrillRun> {
  const phases: string[] = [];
  const report = await runDrill(context, request, signal, ({ phase }) => {
    if (phases.at(-1) !== phase) phases.push(phase);
  });
  return { report, phases };
}
