import { AgentError } from '../base/agent-error.ts';
import { readTextIfPresent } from '../base/durable-file.ts';
import { auditHead, type AuditHead, type AuditRecord } from '../formats/audit-record.ts';
import { auditHeadPath } from './audit-files.ts';
import { readRawLines } from './audit-lines.ts';
import type { ChainCheck } from './chain-check.ts';

/** Reads files as one chain, in this order; gives each record as it comes. Throws the file system's error. */
export async function* readAudit(files: readonly string[], check: ChainCheck): AsyncGenerator<AuditRecord> {
  for (const file of files) {
    check.enter(file);
    for await (const raw of readRawLines(file)) {
      const record = check.add(raw);
      if (record !== undefined) yield record;
    }
  }
}

/**
 * The last line that the agent of this host wrote.
 *
 * @throws {AgentError} `AUDIT_BROKEN` when the file is not what an agent writes; the file system's error.
 */
export async function readAuditHead(stateDir: string): Promise<AuditHead | undefined> {
  const path = auditHeadPath(stateDir);
  const text = await readTextIfPresent(path);
  if (text === undefined) return undefined;
  const parsed = auditHead.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new AgentError('AUDIT_BROKEN', `${path} does not name the last line of an audit log`, {
    details: { path },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema then says that it is no head.
    return undefined;
  }
}
