import { stat } from 'node:fs/promises';
import { asAgentError, type AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { chooseRestoreTool } from '../restore-tool/choose-tool.ts';
import { etcdVersion } from '../restore-tool/etcd-version.ts';
import { findRestoreTools } from '../restore-tool/find-tools.ts';
import { remembered } from './remembered.ts';

interface ToolCheckOptions {
  readonly toolPath: string | undefined;
  readonly etcdPath: string | undefined;
  readonly searchPath: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface FoundTool {
  readonly path: string;
  readonly words: string;
  readonly fingerprint: string;
}

/** To find a tool, several programs are run; whether it is still the same one is a single look. */
const FOUND_GOOD_FOR_MS = 600_000;
const PROBLEM_GOOD_FOR_MS = 60_000;

/**
 * Whether a restore tool that fits etcd is here, asked as often as one likes.
 *
 * @returns A call that says which one, or throws `RESTORE_TOOL_MISSING` or `RESTORE_TOOL_UNFIT`.
 */
export function openToolCheck(options: ToolCheckOptions): () => Promise<string> {
  const open = (): (() => Promise<FoundTool | AgentError>) =>
    remembered(() => findTool(options).catch((error: unknown) => asAgentError(error)), {
      clock: options.clock,
      goodForMs: (found) => (found instanceof Error ? PROBLEM_GOOD_FOR_MS : FOUND_GOOD_FOR_MS),
    });
  let ask = open();
  return async () => {
    let found = await ask();
    if (!(found instanceof Error) && (await fingerprintOf(found.path)) !== found.fingerprint) {
      ask = open();
      found = await ask();
    }
    if (found instanceof Error) throw found;
    return found.words;
  };
}

async function findTool({ toolPath, etcdPath, searchPath, signal }: ToolCheckOptions): Promise<FoundTool> {
  // Without it the newest tool is chosen, as the plan does.
  const version = await etcdVersion({ etcdPath, searchPath }, signal).catch(() => undefined);
  const tool = chooseRestoreTool(await findRestoreTools({ toolPath, searchPath }, signal), version);
  return {
    path: tool.path,
    words: `${tool.path} ${tool.version} for etcd ${version ?? 'of unknown version'}`,
    fingerprint: await fingerprintOf(tool.path),
  };
}

/** Empty where there is no such file. */
async function fingerprintOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}
