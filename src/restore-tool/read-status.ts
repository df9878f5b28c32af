import { AgentError, messageOf } from '../base/agent-error.ts';
import { runCheckedCommand } from '../base/run-command.ts';
import { toolEnvironment, type RestoreTool } from './restore-tool.ts';

/** What `snapshot status` says. It reads the file and proves nothing: not even the trailer is compared. */
export interface ToolStatus {
  readonly hash: number;
  readonly revision: number;
  /** Live keys from 3.6 on; the entries of every bucket before. */
  readonly totalKey: number;
  readonly totalSize: number;
}

/** The tool reads every page: this allows for hundreds of gigabytes. */
const STATUS_TIMEOUT_MS = 60 * 60_000;

/**
 * Asks the tool about a database or snapshot file. `snapshot status` of 3.4 to 3.7 opens it read-only; it maps the whole
 * file, so its memory is as large as the database. Never `hashkv`, which writes.
 *
 * @throws {AgentError} `COMMAND_FAILED` with its words when the tool refuses the file; `RESTORE_TOOL_FAILED` when its
 *   answer cannot be read; `CANCELLED`.
 */
export async function readToolStatus(
  tool: RestoreTool,
  path: string,
  signal: AbortSignal,
): Promise<ToolStatus> {
  const { stdout } = await runCheckedCommand(
    tool.path,
    ['snapshot', 'status', '--write-out=json', '--', path],
    { signal, timeoutMs: STATUS_TIMEOUT_MS, env: toolEnvironment(tool) },
  );
  const answer = parse(stdout);
  return {
    hash: count(answer, 'hash'),
    revision: count(answer, 'revision'),
    totalKey: count(answer, 'totalKey'),
    totalSize: count(answer, 'totalSize'),
  };
}

function parse(stdout: string): object {
  try {
    const answer: unknown = JSON.parse(stdout);
    if (typeof answer === 'object' && answer !== null) return answer;
  } catch (cause) {
    throw new AgentError('RESTORE_TOOL_FAILED', `snapshot status: ${messageOf(cause)}`, { cause });
  }
  throw new AgentError('RESTORE_TOOL_FAILED', 'snapshot status did not answer with an object');
}

function count(answer: object, field: keyof ToolStatus): number {
  const value: unknown = Object.hasOwn(answer, field)
    ? (answer as Record<string, unknown>)[field]
    : undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new AgentError('RESTORE_TOOL_FAILED', `snapshot status gave ${field} as ${JSON.stringify(value)}`);
}
