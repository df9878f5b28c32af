import { AgentError, asAgentError } from './agent-error.ts';
import type { ErrorCode } from './error-codes.ts';
import { lastLines, runCommand } from './run-command.ts';

/** What an operator wants to happen after something: a copy to elsewhere, a restart of clients. */
export interface HookCommand {
  /** A program and its arguments; no shell. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

export type HookOutcome =
  { readonly ok: true; readonly durationMs: number } | { readonly ok: false; readonly error: AgentError };

/** What a service manager says to the agent is not meant for a command, which would answer in the agent's name. */
const NOT_FOR_HOOKS = { NOTIFY_SOCKET: undefined, WATCHDOG_PID: undefined, WATCHDOG_USEC: undefined };

/**
 * Runs the command with facts in its environment. Its failure is a result with `failureCode` and never thrown, an end by
 * `signal` or by its time limit neither: what it follows on has happened whatever the command did.
 */
export async function runHook(
  { command, timeoutMs }: HookCommand,
  facts: Readonly<Record<string, string>>,
  failureCode: ErrorCode,
  signal: AbortSignal,
): Promise<HookOutcome> {
  const [file = '', ...args] = command;
  const failed = (message: string, cause?: AgentError): HookOutcome => ({
    ok: false,
    error: new AgentError(failureCode, message, cause === undefined ? {} : { cause }),
  });
  try {
    const result = await runCommand(file, args, { signal, timeoutMs, env: { ...NOT_FOR_HOOKS, ...facts } });
    if (result.exitStatus === 0) return { ok: true, durationMs: result.durationMs };
    return failed(`${file} ended with exit status ${result.exitStatus}: ${lastLines(result)}`);
  } catch (thrown) {
    const error = asAgentError(thrown, failureCode);
    return failed(error.message, error);
  }
}
