import { AgentError } from '../../src/base/agent-error.ts';

/** `read` when `look` came to an end, else the code of what it threw; anything without a code shows whole. */
export function outcomeOf(look: () => unknown): string {
  try {
    look();
    return 'read';
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
}
