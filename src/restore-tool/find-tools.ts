import { access, constants, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { AgentError, asAgentError } from '../base/agent-error.ts';
import { runCommand } from '../base/run-command.ts';
import { findVersion } from './release.ts';
import { toolEnvironment, type RestoreTool } from './restore-tool.ts';

interface ToolSearch {
  /** The one that the operator named: then no other is looked at. */
  readonly toolPath?: string | undefined;
  /** Directories as in PATH. Relative ones are passed over. */
  readonly searchPath: string;
}

const PROBE_TIMEOUT_MS = 30_000;

/**
 * The restore tools of this host, and what each can do. One that is there but cannot be run is listed with its
 * `problem`, so that a message can name it.
 *
 * @throws {AgentError} `RESTORE_TOOL_MISSING` when the named tool is not there; `CANCELLED`.
 */
export async function findRestoreTools(
  { toolPath, searchPath }: ToolSearch,
  signal: AbortSignal,
): Promise<RestoreTool[]> {
  if (toolPath !== undefined) {
    if (!(await isProgram(toolPath))) {
      throw new AgentError('RESTORE_TOOL_MISSING', `${toolPath} is not an executable file`, {
        details: { toolPath },
      });
    }
    return [await probe(toolPath, signal)];
  }
  const tools: RestoreTool[] = [];
  for (const path of await programsIn(searchPath, ['etcdutl', 'etcdctl'])) {
    tools.push(await probe(path, signal));
  }
  return tools;
}

/** Programs of these names in the directories of a PATH, in its order, each once however many links lead to it. */
export async function programsIn(searchPath: string, names: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  for (const directory of searchPath.split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    for (const name of names) {
      const path = join(directory, name);
      if (!(await isProgram(path))) continue;
      const identity = `${name} ${await realpath(path)}`;
      if (!found.has(identity)) found.set(identity, path);
    }
  }
  return [...found.values()];
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function probe(path: string, signal: AbortSignal): Promise<RestoreTool> {
  const named = { path, kind: kindIn(basename(path)) ?? 'etcdctl', version: 'unknown' } as const;
  try {
    const said = await output(path, ['version'], named, signal);
    const kind = kindIn(said);
    const version = findVersion(said);
    if (kind === undefined || version === undefined) {
      return unusable(named, 'its `version` command does not say that it is etcdutl or etcdctl');
    }
    const tool = { path, kind, version };
    return { ...tool, ...abilities(await output(path, ['snapshot', 'restore', '--help'], tool, signal)) };
  } catch (error) {
    if (signal.aborted) throw error;
    return unusable(named, asAgentError(error).message);
  }
}

function kindIn(text: string): RestoreTool['kind'] | undefined {
  const [kind] = /\betcd(?:utl|ctl)\b/.exec(text) ?? [];
  return kind === 'etcdutl' || kind === 'etcdctl' ? kind : undefined;
}

async function output(
  path: string,
  args: readonly string[],
  tool: Parameters<typeof toolEnvironment>[0],
  signal: AbortSignal,
): Promise<string> {
  const options = { signal, timeoutMs: PROBE_TIMEOUT_MS, env: toolEnvironment(tool) };
  // The exit status says nothing: etcdctl 3.6 answers `snapshot restore --help` with the help of `snapshot` and 0.
  return (await runCommand(path, args, options)).stdout;
}

function abilities(help: string): Omit<RestoreTool, 'path' | 'kind' | 'version'> {
  const has = (flag: string): boolean => new RegExp(`--${flag}\\b`).test(help);
  return {
    canRestore: has('data-dir') && has('initial-cluster-token'),
    canSkipHashCheck: has('skip-hash-check'),
    canSetWalDir: has('wal-dir'),
    canBumpRevision: has('bump-revision') && has('mark-compacted'),
  };
}

function unusable(named: Pick<RestoreTool, 'path' | 'kind' | 'version'>, problem: string): RestoreTool {
  return { ...named, ...abilities(''), problem };
}
