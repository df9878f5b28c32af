import { open } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import { pathExists } from '../base/path-exists.ts';
import { renameDurably, syncDirectory, writeTextDurably } from '../base/durable-file.ts';
import type { AuditEvent, AuditHead, AuditRecord } from '../formats/audit-record.ts';
import type { Log } from '../observe/log.ts';
import { auditHeadPath, auditPath, findAuditFiles, fullAuditPath } from './audit-files.ts';
import { lineOf, sealRecord } from './audit-line.ts';
import { AuditTally, type AuditCounts } from './audit-tally.ts';
import { ChainCheck, type TornEnd } from './chain-check.ts';
import { readAudit } from './read-audit.ts';
import { fingerprintOf, scanAudit, type AuditTail } from './scan-audit.ts';

interface AuditLogOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** From which size on the file is put away and another begun. */
  readonly fullBytes?: number;
}

interface Waiting {
  readonly at: string;
  readonly event: AuditEvent;
}

export interface AuditState {
  readonly path: string;
  /** The last line that is on disk. */
  readonly head?: AuditHead;
  /** Why it cannot be written now, and how much waits. */
  readonly problem?: string;
  /** Where the log was found to be other than the agent wrote it. */
  readonly damage?: string;
}

/** Thousands of operations. */
const FULL_BYTES = 4 * 1024 * 1024;
/** Beyond that only the agent's own log has them. */
const MOST_WAITING = 1000;

/**
 * The hash-chained record of what was ordered and decided on this host. A line is synced before `append` resolves. An operation
 * never waits for a log that cannot be written: the events are said in the agent's log, wait in memory and go first the next time.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  #tail: AuditTail | undefined;
  #tally = new AuditTally();
  #head: AuditHead | undefined;
  #problem: string | undefined;
  #damage: string | undefined;
  #waiting: Waiting[] = [];
  /** Written by an append that failed, perhaps. */
  #attempted: { readonly waiting: Waiting; readonly sha256: string } | undefined;
  /** The file beside the log does not name its last line yet. */
  #isHeadDue = false;
  readonly #turns = new OneAtATime();

  private constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  /** Reads the log through. One that cannot be read is a problem to be shown, and is tried again with each append. */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const log = new AuditLog(options);
    await log.#try(() => log.#writeWaiting());
    return log;
  }

  get counts(): AuditCounts {
    return this.#tally;
  }

  get state(): AuditState {
    const { length } = this.#waiting;
    const waiting = length === 0 ? '' : `; ${length} events wait in memory`;
    return {
      path: auditPath(this.#options.stateDir),
      ...(this.#head === undefined ? {} : { head: this.#head }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem + waiting }),
      ...(this.#damage === undefined ? {} : { damage: this.#damage }),
    };
  }

  /**
   * Adds a line. Never rejects: see the class.
   *
   * @param at - When it happened, ISO 8601; now without it.
   */
  async append(event: AuditEvent, at = this.#now()): Promise<void> {
    await this.#turns.run(async () => {
      this.#waiting.push({ at, event });
      if (await this.#try(() => this.#writeWaiting())) return;
      this.#options.log.error({ event, reason: this.#problem }, 'the audit log could not be written');
      this.#waiting = this.#waiting.slice(-MOST_WAITING);
    });
  }

  /**
   * Adds a line that must be there before what it tells of.
   *
   * @throws {AgentError} `AUDIT_UNWRITABLE`; the event is then not kept, because nothing happened.
   */
  async appendFirst(event: AuditEvent): Promise<void> {
    await this.#turns.run(async () => {
      const own = { at: this.#now(), event };
      this.#waiting.push(own);
      if (await this.#try(() => this.#writeWaiting())) return;
      this.#waiting = this.#waiting.filter((waiting) => waiting !== own);
      throw new AgentError('AUDIT_UNWRITABLE', this.#problem ?? 'the audit log cannot be written');
    });
  }

  /** The lines that `isWanted`, oldest first. Reads all files. Empty where they cannot be read, which `state` says. */
  async find(isWanted: (event: AuditRecord['event']) => boolean): Promise<AuditRecord['event'][]> {
    const found: AuditRecord['event'][] = [];
    await this.#turns.run(async () => {
      await this.#try(async () => {
        const files = await findAuditFiles(this.#options.stateDir);
        for await (const { event } of readAudit(files, new ChainCheck())) {
          if (isWanted(event)) found.push(event);
        }
      });
    });
    return found;
  }

  /** Tries once more to write what waits. */
  async close(): Promise<void> {
    await this.#turns.run(async () => {
      await this.#try(() => this.#writeWaiting());
    });
  }

  async #try(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#problem = undefined;
      return true;
    } catch (error) {
      this.#problem = `${auditPath(this.#options.stateDir)} cannot be written: ${messageOf(error)}`;
      return false;
    }
  }

  async #writeWaiting(): Promise<void> {
    const { tornEnd, ...tail } = await this.#requireTail();
    if (tornEnd !== undefined) await this.#noteTornEnd(tail, tornEnd);
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      await this.#write(next);
      this.#waiting.shift();
    }
    await this.#writeHead();
  }

  async #write(waiting: Waiting): Promise<void> {
    let tail = await this.#requireTail();
    const attempted = this.#attempted;
    if (attempted?.waiting === waiting && attempted.sha256 === tail.follows.sha256) return;
    if (tail.sizeBytes >= (this.#options.fullBytes ?? FULL_BYTES)) tail = await this.#putAway(tail);
    const record = sealRecord(tail.follows, waiting.at, waiting.event);
    this.#attempted = { waiting, sha256: record.sha256 };
    await this.#add(tail, record);
  }

  async #noteTornEnd(tail: AuditTail, { sizeBytes, sha256, isTerminated }: TornEnd): Promise<void> {
    const record = sealRecord(tail.follows, this.#now(), { event: 'torn-line', sizeBytes, sha256 });
    this.#options.log.warn({ sizeBytes }, 'the last line of the audit log was torn, which is noted in it');
    await this.#add(tail, record, isTerminated ? '' : '\n');
  }

  async #putAway(tail: AuditTail): Promise<AuditTail> {
    const { stateDir } = this.#options;
    const full = fullAuditPath(stateDir, tail.firstSeq);
    if (await pathExists(full)) throw new AgentError('AUDIT_UNWRITABLE', `${full} is there already`);
    await renameDurably(auditPath(stateDir), full);
    this.#tail = { fingerprint: '-', sizeBytes: 0, firstSeq: tail.follows.seq + 1, follows: tail.follows };
    return this.#tail;
  }

  async #add(
    tail: AuditTail,
    record: AuditRecord,
    before = tail.lacksLineEnd === true ? '\n' : '',
  ): Promise<void> {
    const { stateDir } = this.#options;
    const path = auditPath(stateDir);
    // Until it is known how this went, nothing is known of the end of the file.
    this.#tail = undefined;
    const file = await open(path, 'a', 0o600);
    try {
      await file.writeFile(`${before}${lineOf(record)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    if (tail.fingerprint === '-') await syncDirectory(stateDir);
    this.#tally.add(record);
    const { text: fingerprint, sizeBytes } = await fingerprintOf(path);
    const { seq, at, sha256 } = record;
    this.#tail = { fingerprint, sizeBytes, firstSeq: tail.firstSeq, follows: { seq, sha256 } };
    this.#head = { seq, at, sha256 };
    this.#isHeadDue = true;
  }

  async #writeHead(): Promise<void> {
    if (!this.#isHeadDue || this.#head === undefined) return;
    await writeTextDurably(auditHeadPath(this.#options.stateDir), `${JSON.stringify(this.#head)}\n`);
    this.#isHeadDue = false;
  }

  /** The end of the log as it is now: read again where somebody else was at the file. */
  async #requireTail(): Promise<AuditTail> {
    const { stateDir, log } = this.#options;
    const known = this.#tail;
    const { text } = await fingerprintOf(auditPath(stateDir));
    if (known?.fingerprint === text) return known;
    const { tail, tally, damage, head, isHeadWritten } = await scanAudit(stateDir);
    if (damage !== undefined && damage !== this.#damage) {
      log.error({ damage }, 'the audit log is not what the agent wrote');
    }
    this.#damage = damage;
    this.#tally = tally;
    this.#head = head;
    this.#isHeadDue = !isHeadWritten;
    this.#tail = tail;
    return tail;
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}
