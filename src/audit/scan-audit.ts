import { stat } from 'node:fs/promises';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';
import type { AuditHead } from '../formats/audit-record.ts';
import { BEGINNING } from './audit-line.ts';
import { auditPath, findAuditFiles } from './audit-files.ts';
import { AuditTally } from './audit-tally.ts';
import { ChainCheck, type TornEnd } from './chain-check.ts';
import { readAudit, readAuditHead } from './read-audit.ts';

/** Where the next line goes, and what it follows on. */
export interface AuditTail {
  /** Of `audit.jsonl` as it was found: `-` where there is none. */
  readonly fingerprint: string;
  readonly sizeBytes: number;
  /** Sequence number of the first line of `audit.jsonl`. */
  readonly firstSeq: number;
  readonly follows: Pick<AuditHead, 'seq' | 'sha256'>;
  readonly tornEnd?: TornEnd;
  /** The last line is whole but for its line end. */
  readonly lacksLineEnd?: boolean;
}

export interface AuditScan {
  readonly tail: AuditTail;
  readonly tally: AuditTally;
  /** The last line; absent where there never was one. */
  readonly head?: AuditHead;
  /** The file beside the log names it. */
  readonly isHeadWritten: boolean;
  /** What does not fit, in words; `undefined` where all does. */
  readonly damage?: string;
}

/**
 * Reads the whole log of a host. What was cut off its end does not let the chain begin anew: the next line follows on the last
 * one that the agent wrote, so that what is missing stays missed.
 *
 * Throws the file system's error.
 */
export async function scanAudit(stateDir: string): Promise<AuditScan> {
  const path = auditPath(stateDir);
  const named = await headOf(stateDir);
  const check = new ChainCheck(named.head === undefined ? [] : [named.head]);
  const { text: fingerprint, sizeBytes } = await fingerprintOf(path);
  const read = await readThrough(stateDir, check, named.head);
  const { tornEnd, last, lacksLineEnd } = check;
  check.end({ mayBeTorn: true });
  const head = read.isNamedThere ? last : named.head;
  const follows = head ?? BEGINNING;
  return {
    tally: read.tally,
    ...headFacts(head, named.head),
    tail: {
      fingerprint,
      sizeBytes,
      firstSeq: read.firstSeq ?? follows.seq + 1,
      follows,
      lacksLineEnd,
      ...(tornEnd === undefined ? {} : { tornEnd }),
    },
    ...damageIn(check, named.problem),
  };
}

interface Reading {
  readonly tally: AuditTally;
  /** Of `audit.jsonl`. */
  readonly firstSeq: number | undefined;
  /** The line that the head names is in the log; true where no head names any. */
  readonly isNamedThere: boolean;
}

async function readThrough(
  stateDir: string,
  check: ChainCheck,
  named: AuditHead | undefined,
): Promise<Reading> {
  const path = auditPath(stateDir);
  const tally = new AuditTally();
  let firstSeq: number | undefined;
  let isNamedThere = named === undefined;
  for await (const record of readAudit(await findAuditFiles(stateDir), check)) {
    tally.add(record);
    if (check.file === path) firstSeq ??= record.seq;
    isNamedThere ||= record.sha256 === named?.sha256;
  }
  return { tally, firstSeq, isNamedThere };
}

function headFacts(
  head: AuditHead | undefined,
  written: AuditHead | undefined,
): Pick<AuditScan, 'head' | 'isHeadWritten'> {
  const isHeadWritten = head?.sha256 === written?.sha256;
  if (head === undefined) return { isHeadWritten };
  const { seq, at, sha256 } = head;
  return { isHeadWritten, head: { seq, at, sha256 } };
}

/** A head that cannot be read is damage, and not a reason to write nothing more. */
async function headOf(stateDir: string): Promise<{ head?: AuditHead; problem?: string }> {
  try {
    const head = await readAuditHead(stateDir);
    return head === undefined ? {} : { head };
  } catch (error) {
    if (error instanceof AgentError) return { problem: error.message };
    throw error;
  }
}

function damageIn({ findings, findingCount }: ChainCheck, problem: string | undefined): { damage?: string } {
  const [first] = findings;
  if (problem !== undefined) return { damage: problem };
  if (first === undefined) return {};
  const more = findingCount === 1 ? '' : ` (and ${findingCount - 1} more)`;
  return { damage: `${first.file}: line ${first.line} ${first.message}${more}` };
}

/** Tells whether somebody else wrote, cut or moved the file. */
export async function fingerprintOf(path: string): Promise<{ text: string; sizeBytes: number }> {
  try {
    const { ino, size } = await stat(path);
    return { text: `${ino} ${size}`, sizeBytes: size };
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
    return { text: '-', sizeBytes: 0 };
  }
}
