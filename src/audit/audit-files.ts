import { join } from 'node:path';
import { namesIn } from '../base/names-in.ts';

/** What is written to now. */
export function auditPath(stateDir: string): string {
  return join(stateDir, 'audit.jsonl');
}

/** Beside the log, so that lines that are cut off its end are missed. */
export function auditHeadPath(stateDir: string): string {
  return join(stateDir, 'audit-head.json');
}

const SEQ_DIGITS = 12;
const FULL_FILE = /^audit-\d{12}[.]jsonl$/;

/** Where a file goes when it is full; named by its first line, so that names sort as lines do. */
export function fullAuditPath(stateDir: string, firstSeq: number): string {
  return join(stateDir, `audit-${String(firstSeq).padStart(SEQ_DIGITS, '0')}.jsonl`);
}

/** All files of a host's log that are there, in the order of their lines. Throws the file system's error. */
export async function findAuditFiles(stateDir: string): Promise<string[]> {
  const names = await namesIn(stateDir);
  const full = names.filter((name) => FULL_FILE.test(name)).sort();
  return [...full, ...names.filter((name) => name === 'audit.jsonl')].map((name) => join(stateDir, name));
}
