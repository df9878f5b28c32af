import { readAuditHead } from '../audit/read-audit.ts';
import { verifyAudit, type AuditVerdict } from '../audit/verify-audit.ts';
import { AgentError } from '../base/agent-error.ts';
import { formatCount } from '../base/units.ts';
import { sha256Hex } from '../formats/identifiers.ts';
import type { AuditHead } from '../formats/audit-record.ts';
import { exitStatusOfError } from './exit-status.ts';
import { findAudit, readingAudit } from './find-audit.ts';
import type { Paint } from './paint.ts';
import type { Session } from './session.ts';
import { formatFields, indent } from './table.ts';
import { formatTime } from './times.ts';

export interface VerifyWish {
  readonly files: readonly string[];
  readonly expect?: string;
}

type Line = Pick<AuditHead, 'seq' | 'sha256'>;

/** `lifeboat audit verify`. @returns The exit status: 0 when every line fits. */
export async function verifyAuditLog(session: Session, wish: VerifyWish): Promise<number> {
  const expected = wish.expect === undefined ? [] : [expectedLine(wish.expect)];
  const verdict = await readingAudit(async () => {
    const { files, stateDir } = await findAudit(session, wish.files);
    // Before the log itself: an agent that writes meanwhile only adds lines behind it.
    const head = stateDir === undefined ? undefined : await readAuditHead(stateDir);
    return await verifyAudit({
      files,
      expected: [...expected, ...(head === undefined ? [] : [head])],
      fromTheFirst: stateDir !== undefined,
    });
  });
  session.print(verdict, verdictText);
  return verdict.ok ? 0 : exitStatusOfError('AUDIT_BROKEN');
}

function expectedLine(text: string): Line {
  const [seq = '', sha256 = ''] = text.split(':');
  if (/^[1-9]\d{0,14}$/.test(seq) && sha256Hex.safeParse(sha256).success) return { seq: Number(seq), sha256 };
  throw new AgentError(
    'USAGE',
    `--expect ${text}: must be NUMBER:SHA256, as \`audit verify\` prints the last line`,
  );
}

function verdictText(verdict: AuditVerdict, paint: Paint): string[] {
  const { ok, files, lines, first, head, findings, findingCount } = verdict;
  if (files.length === 0 && ok) return ['no audit log: nothing was ever written to it here'];
  const hidden = findingCount - findings.length;
  return [
    ok ? `${paint('green', 'sound')}  every line follows on the one before it` : paint('red', 'NOT SOUND'),
    ...indent(findings.map(({ file, line, message }) => `${file}: line ${line} ${message}`)),
    ...(hidden > 0 ? indent([`and ${formatCount(hidden)} more`]) : []),
    ...indent(
      formatFields([
        ['files', files.join(', ')],
        ['lines', countWords(lines, verdict.tornLines)],
        ['from', first === undefined ? undefined : `number ${first.seq}, ${formatTime(first.at)}`],
        ['to', head === undefined ? undefined : `number ${head.seq}, ${formatTime(head.at)}`],
        ['head', head === undefined ? undefined : `${head.seq}:${head.sha256}`],
      ]),
    ),
    ...(ok && head !== undefined
      ? ['', `Keep the head elsewhere; later: audit verify --expect ${head.seq}:${head.sha256}`]
      : []),
  ];
}

function countWords(lines: number, tornLines: number): string {
  const torn = tornLines === 0 ? '' : `, ${formatCount(tornLines)} after a line that a crash tore`;
  return `${formatCount(lines)}${torn}`;
}
