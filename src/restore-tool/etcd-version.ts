import { AgentError } from '../base/agent-error.ts';
import { lastLines, runCheckedCommand } from '../base/run-command.ts';
import { programsIn } from './find-tools.ts';
import { findVersion } from './release.ts';

interface EtcdSearch {
  /** The binary that the operator named. */
  readonly etcdPath?: string | undefined;
  /** Directories as in PATH; searched when no binary is named. */
  readonly searchPath: string;
}

const VERSION_TIMEOUT_MS = 30_000;

/**
 * The version of the etcd that will run on this host, such as `3.6.14`, from `etcd --version`. `undefined` when none
 * was named and none is in the PATH.
 *
 * @throws {AgentError} `COMMAND_NOT_FOUND` or `COMMAND_FAILED` when it cannot be asked; `CANCELLED`.
 */
export async function etcdVersion(search: EtcdSearch, signal: AbortSignal): Promise<string | undefined> {
  const path = search.etcdPath ?? (await programsIn(search.searchPath, ['etcd']))[0];
  if (path === undefined) return undefined;
  const result = await runCheckedCommand(path, ['--version'], { signal, timeoutMs: VERSION_TIMEOUT_MS });
  const version = /^etcd Version:.*$/m.exec(result.stdout);
  const found = version === null ? undefined : findVersion(version[0]);
  if (found !== undefined) return found;
  throw new AgentError('COMMAND_FAILED', `${path} --version does not name a version: ${lastLines(result)}`);
}
