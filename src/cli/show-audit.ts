import { ChainCheck } from '../audit/chain-check.ts';
import { readAudit } from '../audit/read-audit.ts';
import { AgentError } from '../base/agent-error.ts';
import type { AuditRecord } from '../formats/audit-record.ts';
import { operationId } from '../formats/identifiers.ts';
import { auditLineText } from './audit-text.ts';
import { findAudit, readingAudit } from './find-audit.ts';
import { givenTimeMs } from './given-time.ts';
import type { Session } from './session.ts';
import { writeLines } from './write-lines.ts';

export interface ShowWish {
  readonly files: readonly string[];
  readonly operation?: string;
  readonly since?: string;
}

/** `lifeboat audit show`: a line for each line, in JSON as it stands in the file. */
export async function showAudit(session: Session, wish: ShowWish): Promise<number> {
  const isWanted = filterOf(wish, session.surroundings.clock.now());
  const check = new ChainCheck();
  const lineOf = session.isJson ? (record: AuditRecord) => JSON.stringify(record) : auditLineText;
  await readingAudit(async () => {
    const { files } = await findAudit(session, wish.files);
    await writeLines(linesOf(readAudit(files, check), isWanted, lineOf), session.surroundings);
  });
  check.end({ mayBeTorn: true });
  if (check.findingCount > 0) {
    session.say([`The log is not as the agent wrote it: ${session.commandPrefix} audit verify`]);
  } else if (check.lineCount === 0) {
    session.say(['nothing was ever written to the audit log here']);
  }
  return 0;
}

function filterOf({ operation, since }: ShowWish, nowMs: number): (record: AuditRecord) => boolean {
  if (operation !== undefined && !operationId.safeParse(operation).success) {
    throw new AgentError(
      'USAGE',
      `--operation ${operation}: must be the ID of a restore, as \`restore status\` shows it`,
    );
  }
  const sinceMs = since === undefined ? -Infinity : givenTimeMs('--since', since, nowMs);
  return ({ at, event }) =>
    Date.parse(at) >= sinceMs && (operation === undefined || event['operation'] === operation);
}

async function* linesOf(
  records: AsyncIterable<AuditRecord>,
  isWanted: (record: AuditRecord) => boolean,
  lineOf: (record: AuditRecord) => string,
): AsyncGenerator<string> {
  for await (const record of records) if (isWanted(record)) yield lineOf(record);
}
