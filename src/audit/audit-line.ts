import { canonicalJson, canonicalSha256 } from '../formats/canonical-json.ts';
import { auditRecord, type AuditHead, type AuditRecord } from '../formats/audit-record.ts';

/** What the first line of a log follows on. */
export const BEGINNING: Pick<AuditHead, 'seq' | 'sha256'> = { seq: 0, sha256: '0'.repeat(64) };

/** No event comes near it: a longer line is none of the agent's. */
export const MAX_LINE_BYTES = 1024 * 1024;

/** The record that follows `before`. Without `undefined` anywhere, as JSON has none. */
export function sealRecord(
  before: Pick<AuditHead, 'seq' | 'sha256'>,
  at: string,
  event: AuditRecord['event'],
): AuditRecord {
  const body = { version: 1 as const, seq: before.seq + 1, at, previous: before.sha256, event };
  return { ...body, sha256: canonicalSha256(body) };
}

/** Without its line end. */
export function lineOf(record: AuditRecord): string {
  return canonicalJson(record);
}

export interface ReadLine {
  readonly record: AuditRecord;
  /** Why it cannot be what was written. */
  readonly problem?: string;
}

/** @returns `undefined` for what is no line of an audit log at all. */
export function readLine(text: string): ReadLine | undefined {
  const parsed = auditRecord.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const record = parsed.data;
  const { sha256, ...body } = record;
  const actual = canonicalSha256(body);
  if (actual !== sha256)
    return { record, problem: `was changed: its SHA-256 is ${actual}, it says ${sha256}` };
  if (lineOf(record) !== text) return { record, problem: 'is written otherwise than an agent writes it' };
  return { record };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema then says that it is no record.
    return undefined;
  }
}
