import { AgentError } from '../base/agent-error.ts';
import { runCommand } from '../base/run-command.ts';

/** @throws {AgentError} `SUPERVISOR_FAILED` when a program, named by path or found by PATH, cannot be run. */
export async function requireProgram(command: readonly string[], signal: AbortSignal): Promise<void> {
  const [program = ''] = command;
  const lookUp = ['-c', 'command -v -- "$1" && { [ ! -e "$1" ] || [ -x "$1" ]; }', 'sh', program];
  const { exitStatus } = await runCommand('sh', lookUp, { signal, timeoutMs: 10_000 });
  if (exitStatus === 0) return;
  throw new AgentError('SUPERVISOR_FAILED', `${program === '' ? 'an empty command' : program} cannot be run`);
}
