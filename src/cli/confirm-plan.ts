import { isCancel, text } from '@clack/prompts';
import { AgentError } from '../base/agent-error.ts';
import { isUndo, type OperationPlan } from '../formats/restore-plan.ts';
import type { Terminal } from './terminal.ts';

const CONFIRM_CHARACTERS = 8;

/**
 * Has the operator type the beginning of the plan's hash: what nobody types by habit.
 *
 * @throws {AgentError} `CANCELLED` when the operator leaves the question; nothing has been started then.
 */
export async function confirmPlan(plan: OperationPlan, terminal: Terminal): Promise<void> {
  const expected = plan.hash.slice(0, CONFIRM_CHARACTERS);
  const answer = await text({
    message: `To ${isUndo(plan) ? 'take back' : 'restore'} ${plan.decided.hosts.length} host(s) by this plan, type the first ${CONFIRM_CHARACTERS} characters of its hash:`,
    validate: (typed) =>
      typed?.trim() === expected ? undefined : 'That is not how the hash above begins. Ctrl-C leaves.',
    input: terminal.stdin,
    output: terminal.stdout,
  });
  if (isCancel(answer)) throw new AgentError('CANCELLED', 'the plan was not confirmed; nothing was started');
}
