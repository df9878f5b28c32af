import { AgentError } from '../base/agent-error.ts';

/** The file is a database, and what stands at `page` cannot be. */
export function damagedPage(page: number, found: string): AgentError {
  return new AgentError('SNAPSHOT_DAMAGED', `page ${page} of the database is damaged: ${found}`, {
    details: { page },
  });
}
