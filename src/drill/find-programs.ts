import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { etcdToRun } from '../restore/etcd-to-run.ts';
import { refuseNewerSnapshot } from '../restore/plan-versions.ts';
import { chooseRestoreTool } from '../restore-tool/choose-tool.ts';
import { findRestoreTools } from '../restore-tool/find-tools.ts';
import type { RestoreTool } from '../restore-tool/restore-tool.ts';
import type { DrillContext } from './drill-context.ts';
import { lowPriority } from './low-priority.ts';

/** The programs of a drill. */
export interface DrillPrograms {
  readonly etcd: { readonly path: string; readonly version: string };
  readonly tool: RestoreTool;
  /** Words before each of their command lines. */
  readonly launcher: readonly string[];
}

/**
 * The etcd that a restore would start here, and the tool that it would use.
 *
 * @throws {AgentError} `DRILL_UNAVAILABLE` where there is none, or the data is of a newer etcd; `CANCELLED`.
 */
export async function findPrograms(
  context: DrillContext,
  manifest: SnapshotManifest,
  allowNewerSnapshot: boolean,
  signal: AbortSignal,
): Promise<DrillPrograms> {
  const { launch, toolPath, agent } = context;
  const running = await context.runningVersion(signal);
  const { path, version } = await etcdToRun(launch, running, signal);
  if (path === undefined || version === undefined) {
    const words = running === undefined ? '' : `; the member is etcd ${running}`;
    throw new AgentError(
      'DRILL_UNAVAILABLE',
      `no etcd was found that could be run beside the present one${words}: name it in \`etcd.binary\``,
    );
  }
  try {
    refuseNewerSnapshot({ allowNewerSnapshot }, manifest, [{ agent, etcdVersion: version }]);
    const tools = await findRestoreTools({ toolPath, searchPath: launch.searchPath }, signal);
    const tool = chooseRestoreTool(tools, version);
    return { etcd: { path, version }, tool, launcher: await lowPriority(launch.searchPath, signal) };
  } catch (cause) {
    signal.throwIfAborted();
    throw new AgentError('DRILL_UNAVAILABLE', asAgentError(cause).message, { cause });
  }
}
