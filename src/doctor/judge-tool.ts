import { AgentError } from '../base/agent-error.ts';
import { chooseRestoreTool } from '../restore-tool/choose-tool.ts';
import { parseRelease } from '../restore-tool/release.ts';
import { describeTool, type RestoreTool } from '../restore-tool/restore-tool.ts';
import { fail, ok, warn, type Check } from './check.ts';

/** Whether the tool that would be chosen fits the etcd that will run. */
export function judgeTool(tools: readonly RestoreTool[], etcdVersion: string | undefined): Check {
  const id = 'restore.tool';
  try {
    const tool = chooseRestoreTool(tools, etcdVersion);
    const found = describeTool(tool);
    if (etcdVersion === undefined) {
      return warn(id, `${found}, for an etcd of unknown version`, 'Name its program in `etcd.binary`.');
    }
    if (parseRelease(tool.version)?.minor === parseRelease(etcdVersion)?.minor) {
      return ok(id, `${found}, for etcd ${etcdVersion}`);
    }
    const hint = `Install the etcdutl (up to 3.4: etcdctl) of etcd ${etcdVersion}, or name it in \`restore.tool\`.`;
    return warn(id, `${found} is not of the minor release of etcd ${etcdVersion}`, hint);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return fail(id, error.message, error.hint);
  }
}

/** Whether what will run after the next start is what runs now. */
export function judgeBinary(
  program: { readonly version: string | undefined; readonly problem?: string },
  runningVersion: string | undefined,
): Check {
  const id = 'etcd.binary';
  if (program.problem !== undefined) {
    return fail(
      id,
      program.problem,
      'Correct `etcd.binary`: the absolute path of the etcd that the unit starts.',
    );
  }
  if (program.version === undefined) {
    return warn(
      id,
      'no etcd was found on PATH',
      'Name it in `etcd.binary`: while the member is down, nobody else says its version.',
    );
  }
  if (runningVersion !== undefined && runningVersion !== program.version) {
    return warn(
      id,
      `etcd ${runningVersion} runs, and ${program.version} would be started`,
      'Restart etcd to finish its upgrade, or correct `etcd.binary`.',
    );
  }
  return ok(id, `etcd ${program.version}`);
}
