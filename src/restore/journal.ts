import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { syncDirectory } from '../base/durable-file.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import type { JournalEntry } from '../formats/restore-journal.ts';
import { EMPTY, lineOf, parseLines } from './journal-lines.ts';

/** Room taken before an operation starts, so that a full disk cannot lose a decision. Far more than an operation writes. */
const PREALLOCATED_BYTES = 512 * 1024;

/**
 * The durable record of one operation on one host: a line per append, `crc32 [entry, …]`, synced before `append`
 * resolves. What is appended together is there together or not at all. A line torn by a crash is cut off at the
 * next open; its effect had not begun.
 */
export class Journal {
  readonly path: string;
  readonly #file: FileHandle;
  #endBytes: number;
  /** How far behind the end a failed append may have left something. */
  #unknownBytes = 0;
  #problem: string | undefined;
  /** The host's own part and the driving of the whole write here, each at its own time: one line after the other. */
  readonly #turns = new OneAtATime();

  private constructor(path: string, file: FileHandle, endBytes: number) {
    this.path = path;
    this.#file = file;
    this.#endBytes = endBytes;
  }

  /** Why the last append failed, until one goes through. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Makes the journal with its first entries. Throws the file system's error; then there is none. */
  static async create(path: string, first: readonly JournalEntry[]): Promise<Journal> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'wx+', 0o600);
    try {
      await file.writeFile(Buffer.alloc(PREALLOCATED_BYTES, EMPTY));
      const journal = new Journal(path, file, 0);
      await journal.append(first);
      await syncDirectory(dirname(path));
      await syncDirectory(dirname(dirname(path)));
      return journal;
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      throw error;
    }
  }

  /**
   * Reads a journal back and makes it ready for more.
   *
   * @throws {AgentError} `JOURNAL_DAMAGED` as `parseLines` does, or the file system's error. The file is left as it is.
   */
  static async open(path: string): Promise<{ journal: Journal; entries: readonly JournalEntry[] }> {
    const file = await open(path, 'r+');
    try {
      const bytes = await file.readFile();
      const { entries, endBytes } = parseLines(bytes, path);
      // The next append must not continue a torn line, and what was read must not vanish in a power cut.
      await file.write(Buffer.alloc(Math.max(0, bytes.length - endBytes), EMPTY), 0, undefined, endBytes);
      await file.sync();
      await syncDirectory(dirname(path));
      return { journal: new Journal(path, file, endBytes), entries };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Adds entries and syncs.
   *
   * @throws {AgentError} `JOURNAL_UNWRITABLE`. Whether the entries are on the disk is not known then: nothing may be done on
   *   the strength of them, nor of their absence. The next append takes their place.
   */
  async append(entries: readonly JournalEntry[]): Promise<void> {
    await this.#turns.run(() => this.#write(lineOf(entries)));
  }

  /** Gives back the room that was taken in advance: for an operation that has ended. Appending stays possible. */
  async trim(): Promise<void> {
    await this.#turns.run(async () => {
      if ((await this.#file.stat()).size === this.#endBytes) return;
      await this.#file.truncate(this.#endBytes);
      await this.#file.sync();
    });
  }

  async close(): Promise<void> {
    await this.#turns.run(() => this.#file.close());
  }

  async #write(line: string): Promise<void> {
    const bytes = Buffer.from(line, 'utf8');
    const behind = Buffer.alloc(Math.max(0, this.#unknownBytes - bytes.length), EMPTY);
    try {
      await this.#writeAll(Buffer.concat([bytes, behind]));
      await this.#file.datasync();
    } catch (cause) {
      this.#unknownBytes = Math.max(this.#unknownBytes, bytes.length);
      this.#problem = `${this.path} could not be written: ${messageOf(cause)}`;
      throw new AgentError('JOURNAL_UNWRITABLE', this.#problem, {
        cause,
        details: { path: this.path },
      });
    }
    this.#unknownBytes = 0;
    this.#problem = undefined;
    this.#endBytes += bytes.length;
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const at = this.#endBytes + written;
      written += (await this.#file.write(bytes, written, bytes.length - written, at)).bytesWritten;
    }
  }
}
