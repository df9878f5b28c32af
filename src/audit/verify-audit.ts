import type { AuditHead } from '../formats/audit-record.ts';
import { ChainCheck, type AuditFinding } from './chain-check.ts';
import { readAudit } from './read-audit.ts';

/** What a reading of the chain came to. */
export interface AuditVerdict {
  readonly ok: boolean;
  readonly files: readonly string[];
  readonly lines: number;
  /** Torn by crashes, and noted by the line behind them. */
  readonly tornLines: number;
  readonly first?: Pick<AuditHead, 'seq' | 'at'>;
  /** What to keep off the host: nothing before it can be changed without changing it. */
  readonly head?: AuditHead;
  /** The first hundred of `findingCount`. */
  readonly findings: readonly AuditFinding[];
  readonly findingCount: number;
}

interface AuditQuestion {
  /** In the order of their lines. */
  readonly files: readonly string[];
  /** Lines that are known from elsewhere. */
  readonly expected: readonly Pick<AuditHead, 'seq' | 'sha256'>[];
  /** Nothing may be missing in front. */
  readonly fromTheFirst: boolean;
}

/** Reads the files as one chain. Throws the file system's error; what does not fit is a finding. */
export async function verifyAudit({ files, expected, fromTheFirst }: AuditQuestion): Promise<AuditVerdict> {
  const check = new ChainCheck(expected);
  let first: AuditHead | undefined;
  for await (const record of readAudit(files, check)) {
    if (first === undefined && fromTheFirst && record.seq !== 1) {
      const [before, are] = record.seq === 2 ? ['number 1', 'is'] : [`numbers 1 to ${record.seq - 1}`, 'are'];
      check.report(`is number ${record.seq}: ${before} ${are} not here`);
    }
    first ??= record;
  }
  check.end({ mayBeTorn: false });
  const { findings, findingCount, lineCount, tornCount, last } = check;
  return {
    ok: findingCount === 0,
    files,
    lines: lineCount,
    tornLines: tornCount,
    ...(first === undefined ? {} : { first: { seq: first.seq, at: first.at } }),
    ...(last === undefined ? {} : { head: { seq: last.seq, at: last.at, sha256: last.sha256 } }),
    findings,
    findingCount,
  };
}
