import { AgentError, messageOf } from '../base/agent-error.ts';

/** The log is there, and what stands at `offset` of a segment cannot be. */
export function damagedWal(segmentPath: string, offset: number, found: string): AgentError {
  return new AgentError('WAL_DAMAGED', `${segmentPath} is damaged at byte ${offset}: ${found}`, {
    details: { path: segmentPath, offset },
  });
}

/** The operating system does not give it. */
export function unreadableWal(path: string, cause: unknown): AgentError {
  return new AgentError('WAL_UNREADABLE', `${path} could not be read: ${messageOf(cause)}`, { cause });
}
