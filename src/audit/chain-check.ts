import { createHash, type Hash } from 'node:crypto';
import type { AuditHead, AuditRecord } from '../formats/audit-record.ts';
import { BEGINNING, readLine, type ReadLine } from './audit-line.ts';
import type { RawLine } from './audit-lines.ts';

/** Where a log is not what an agent wrote. */
export interface AuditFinding {
  readonly file: string;
  /** Counted from 1 in that file. */
  readonly line: number;
  readonly message: string;
}

/** Bytes that are no whole line of the log. */
interface Gap {
  readonly line: number;
  readonly hash: Hash;
  sizeBytes: number;
  isTerminated: boolean;
}

/** The end of a file that is no whole line, as a crash leaves it. */
export interface TornEnd {
  readonly line: number;
  /** With a line end behind it, as with `sha256`. */
  readonly sizeBytes: number;
  readonly sha256: string;
  /** A line end follows it already. */
  readonly isTerminated: boolean;
}

/** More are counted, not kept. */
const FINDINGS_KEPT = 100;

/** Follows a chain line by line, over one file after the other. Pure, and in constant memory. */
export class ChainCheck {
  readonly findings: AuditFinding[] = [];
  findingCount = 0;
  lineCount = 0;
  tornCount = 0;
  first: AuditRecord | undefined;
  last: AuditRecord | undefined;
  #file = '';
  #line = 0;
  #gap: Gap | undefined;
  #lacksLineEnd = false;
  readonly #expected: Map<number, string>;

  /** @param expected - Lines that are known from elsewhere: SHA-256 by sequence number. */
  constructor(expected: readonly Pick<AuditHead, 'seq' | 'sha256'>[] = []) {
    this.#expected = new Map(expected.map(({ seq, sha256 }) => [seq, sha256]));
  }

  /** The next lines are of this file. */
  enter(file: string): void {
    this.#closeGap();
    this.#file = file;
    this.#line = 0;
  }

  /** @returns The record of a line that is one, also where it does not fit. */
  add(raw: RawLine): AuditRecord | undefined {
    if (!raw.isContinued) this.#line += 1;
    const read = raw.isContinued ? undefined : readLine(raw.bytes.toString('utf8'));
    // One that a crash kept from its line end only is whole all the same.
    this.#lacksLineEnd = !raw.isTerminated && read?.problem === undefined;
    if (read === undefined || (!raw.isTerminated && read.problem !== undefined)) {
      this.#widenGap(raw);
      return undefined;
    }
    this.#follow(read);
    return read.record;
  }

  /** A finding of the one who reads, about the line that was added last. */
  report(message: string): void {
    this.#find(this.#line, message);
  }

  /** What stands behind the last line. */
  get tornEnd(): TornEnd | undefined {
    const gap = this.#gap;
    if (gap === undefined) return undefined;
    const { line, sizeBytes, isTerminated } = gap;
    const lackingBytes = isTerminated ? 0 : 1;
    return { line, isTerminated, sizeBytes: sizeBytes + lackingBytes, sha256: digestOf(gap) };
  }

  /** The last line is whole, and its line end is not there. */
  get lacksLineEnd(): boolean {
    return this.#lacksLineEnd && this.#gap === undefined;
  }

  /** The file that is read now. */
  get file(): string {
    return this.#file;
  }

  /** Call once behind the last line. @param mayBeTorn - A torn end is no finding: whoever asks will note it. */
  end({ mayBeTorn }: { readonly mayBeTorn: boolean }): void {
    if (mayBeTorn) this.#gap = undefined;
    this.#closeGap('is torn, as a crash leaves one; the agent notes it with the next line that it writes');
    for (const [seq, sha256] of this.#expected) {
      this.#find(this.#line, `number ${seq} with SHA-256 ${sha256} is missing: ${this.#range()}`);
    }
  }

  #range(): string {
    const { first, last } = this;
    return first === undefined || last === undefined
      ? 'there is no line'
      : `the lines are numbers ${first.seq} to ${last.seq}`;
  }

  #follow({ record, problem }: ReadLine): void {
    const isNoted = this.#matchGap(record);
    if (problem !== undefined) this.#find(this.#line, problem);
    else if (!isNoted) this.#find(this.#line, 'notes a torn line, and none stands in front of it');
    this.#compareWithBefore(record);
    this.#compareWithExpected(record);
    this.first ??= record;
    this.last = record;
    this.lineCount += 1;
  }

  /** @returns False for a note of something that is not there. */
  #matchGap({ event }: AuditRecord): boolean {
    const gap = this.#gap;
    if (event.event !== 'torn-line') {
      this.#closeGap();
      return true;
    }
    if (gap === undefined) return false;
    if (event['sizeBytes'] !== gap.sizeBytes || event['sha256'] !== digestOf(gap)) this.#closeGap();
    else this.tornCount += 1;
    this.#gap = undefined;
    return true;
  }

  #compareWithBefore({ seq, previous }: AuditRecord): void {
    const { last } = this;
    if (last === undefined) {
      if (seq === 1 && previous !== BEGINNING.sha256)
        this.#find(this.#line, 'is number 1 and follows a line');
      return;
    }
    if (seq > last.seq + 1) {
      const missing =
        seq === last.seq + 2 ? `number ${seq - 1} is` : `numbers ${last.seq + 1} to ${seq - 1} are`;
      this.#find(this.#line, `is number ${seq} after ${last.seq}: ${missing} missing`);
    } else if (seq <= last.seq) {
      this.#find(this.#line, `is number ${seq} after ${last.seq}`);
    } else if (previous !== last.sha256) {
      this.#find(
        this.#line,
        `does not follow on the line before it: that has ${last.sha256}, this names ${previous}`,
      );
    }
  }

  #compareWithExpected({ seq, sha256 }: AuditRecord): void {
    const expected = this.#expected.get(seq);
    if (expected === undefined) return;
    this.#expected.delete(seq);
    if (expected !== sha256) {
      this.#find(this.#line, `is number ${seq} with SHA-256 ${sha256}, and ${expected} was expected`);
    }
  }

  #widenGap({ bytes, isTerminated }: RawLine): void {
    const gap = (this.#gap ??= {
      line: this.#line,
      hash: createHash('sha256'),
      sizeBytes: 0,
      isTerminated,
    });
    gap.hash.update(bytes);
    if (isTerminated) gap.hash.update('\n');
    gap.sizeBytes += bytes.length + (isTerminated ? 1 : 0);
    gap.isTerminated = isTerminated;
  }

  /** Nothing noted what stands there. */
  #closeGap(message = 'is no line of an audit log'): void {
    const gap = this.#gap;
    if (gap === undefined) return;
    this.#gap = undefined;
    this.#find(gap.line, `${message} (${gap.sizeBytes} bytes)`);
  }

  #find(line: number, message: string): void {
    this.findingCount += 1;
    if (this.findings.length < FINDINGS_KEPT) this.findings.push({ file: this.#file, line, message });
  }
}

/** A torn end is noted with the line end that is put behind it. */
function digestOf({ hash, isTerminated }: Gap): string {
  const whole = hash.copy();
  return (isTerminated ? whole : whole.update('\n')).digest('hex');
}
