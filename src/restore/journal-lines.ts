import { crc32 } from 'node:zlib';
import { AgentError } from '../base/agent-error.ts';
import { journalLine, type JournalEntry } from '../formats/restore-journal.ts';

/** Filler of the part not yet written: a line can never begin with it. */
export const EMPTY = 0x00;
const LINE_END = 0x0a;
const CHECKSUM_LENGTH = 8;

/** Entries that are appended together, as one line: `crc32 [entry, …]`. */
export function lineOf(entries: readonly JournalEntry[]): string {
  const json = JSON.stringify(entries);
  return `${checksum(json)} ${json}\n`;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(CHECKSUM_LENGTH, '0');
}

/**
 * The entries of a journal, and where the next line goes. A torn last line is left out.
 *
 * @throws {AgentError} `JOURNAL_DAMAGED` when a line before the last is not what was written, or was written by a
 *   release that this one does not understand.
 */
export function parseLines(bytes: Buffer, path: string): { entries: JournalEntry[]; endBytes: number } {
  const entries: JournalEntry[] = [];
  let endBytes = 0;
  let lineNumber = 1;
  for (let next = bytes.indexOf(LINE_END); next !== -1; next = bytes.indexOf(LINE_END, endBytes)) {
    const json = soundJson(bytes.subarray(endBytes, next));
    if (json === undefined) break;
    entries.push(...entriesOf(json, path, lineNumber));
    endBytes = next + 1;
    lineNumber += 1;
  }
  // Only the last line can be torn, whatever order its blocks reached the disk in: nothing sound follows it.
  if (hasSoundLine(bytes, endBytes)) {
    throw new AgentError('JOURNAL_DAMAGED', `${path}: line ${lineNumber} does not fit its checksum`, {
      details: { path },
    });
  }
  return { entries, endBytes };
}

/** The JSON of a line whose checksum fits. */
function soundJson(line: Buffer): string | undefined {
  const text = line.toString('utf8');
  const json = text.slice(CHECKSUM_LENGTH + 1);
  return text.slice(0, CHECKSUM_LENGTH) === checksum(json) ? json : undefined;
}

/** Looks behind a line that is not sound. A hole of zeros in front of a line is no part of it. */
function hasSoundLine(bytes: Buffer, fromBytes: number): boolean {
  let start = fromBytes;
  for (let next = bytes.indexOf(LINE_END, start); next !== -1; next = bytes.indexOf(LINE_END, start)) {
    const line = bytes.subarray(start, next);
    if (soundJson(line.subarray(line.lastIndexOf(EMPTY) + 1)) !== undefined) return true;
    start = next + 1;
  }
  return false;
}

function entriesOf(json: string, path: string, line: number): JournalEntry[] {
  const parsed = journalLine.safeParse(parseJson(json));
  if (parsed.success) return parsed.data;
  throw new AgentError(
    'JOURNAL_DAMAGED',
    `${path}: line ${line} is not known to this release: ${parsed.error.issues[0]?.message ?? ''}`,
    { details: { path } },
  );
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The schema then says that it is not a line of a journal.
    return undefined;
  }
}

/** How the operation was opened, as far as a damaged journal still tells: its first line may be sound. */
export function openingIn(bytes: Buffer): Extract<JournalEntry, { type: 'opened' }> | undefined {
  const json = soundJson(bytes.subarray(0, Math.max(0, bytes.indexOf(LINE_END))));
  const line = journalLine.safeParse(json === undefined ? undefined : parseJson(json));
  const first = line.success ? line.data[0] : undefined;
  return first?.type === 'opened' ? first : undefined;
}
