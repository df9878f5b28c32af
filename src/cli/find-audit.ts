import { resolve } from 'node:path';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import { findAuditFiles } from '../audit/audit-files.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Session } from './session.ts';

export interface FoundAudit {
  readonly files: readonly string[];
  /** Where the agent of this host keeps it; absent where files were named. */
  readonly stateDir?: string;
}

/** The files that were named, else all of this host's log, as the configuration says. Asks no agent. */
export async function findAudit(session: Session, named: readonly string[]): Promise<FoundAudit> {
  const { workingDirectory } = session.surroundings;
  if (named.length > 0) return { files: named.map((file) => resolve(workingDirectory, file)) };
  const { stateDir } = (await loadConfig(session.configFile)).agent;
  return { stateDir, files: await findAuditFiles(stateDir) };
}

/**
 * Says in words what the operating system refused.
 *
 * @throws {AgentError} `FILE_FORBIDDEN`, `FILE_UNREADABLE`, or what `read` throws.
 */
export async function readingAudit<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const code = systemCodeOf(error);
    if (error instanceof AgentError || code === undefined) throw error;
    const refused = code === 'EACCES' || code === 'EPERM' ? 'FILE_FORBIDDEN' : 'FILE_UNREADABLE';
    throw new AgentError(refused, `the audit log could not be read: ${messageOf(error)}`, { cause: error });
  }
}
