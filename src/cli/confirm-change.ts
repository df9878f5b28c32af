import { confirm } from '@clack/prompts';
import { AgentError } from '../base/agent-error.ts';
import type { Terminal } from './terminal.ts';

/**
 * Asks yes or no; no is the default.
 *
 * @throws {AgentError} `CANCELLED` for anything but yes.
 */
export async function confirmChange(message: string, terminal: Terminal): Promise<void> {
  const answer = await confirm({
    message,
    initialValue: false,
    input: terminal.stdin,
    output: terminal.stdout,
  });
  if (answer !== true) throw new AgentError('CANCELLED', 'it was not confirmed; nothing was changed');
}
