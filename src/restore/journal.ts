import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { syncDirectory } from '../base/durable-file.ts';
import { journalEntry, type JournalEntry } from '../formats/restore-journal.ts';

/** Room taken before an operation starts, so that a full disk cannot lose a decision. Far more than an operation writes. */
const PREALLOCATED_BYTES = 512 * 1024;

/** Filler of the part not yet written: a line can never begin with it. */
const EMPTY = 0x00;

/**
 * The durable record of one operation on one host: a line per entry, `crc32 json`, synced before `append`
 * resolves. A line torn by a crash is cut off at the next open; its effect had not begun.
 */
export class Journal {
  readonly path: string;
  readonly #file: FileHandle;
  #endBytes: number;
  #failed: AgentError | undefined;

  private constructor(path: string, file: FileHandle, endBytes: number) {
    this.path = path;
    this.#file = file;
    this.#endBytes = endBytes;
  }

  /** Makes the journal with its first entry. Throws the file system's error and leaves at most an empty file. */
  static async create(path: string, first: JournalEntry): Promise<Journal> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'wx+', 0o600);
    try {
      await file.writeFile(Buffer.alloc(PREALLOCATED_BYTES, EMPTY));
      const journal = new Journal(path, file, 0);
      await journal.append([first]);
      await syncDirectory(dirname(path));
      await syncDirectory(dirname(dirname(path)));
      return journal;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Reads a journal back and makes it ready for more.
   *
   * @throws {AgentError} `JOURNAL_DAMAGED` when a line before the last is not what was written, or was written by
   *   a release that this one does not understand. The file is left as it is.
   */
  static async open(path: string): Promise<{ journal: Journal; entries: readonly JournalEntry[] }> {
    const file = await open(path, 'r+');
    try {
      const bytes = await file.readFile();
      const { entries, endBytes } = parse(bytes, path);
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
   * Adds entries and syncs. After a failure the outcome is unknown, so every later append is refused until the
   * journal is opened again.
   */
  async append(entries: readonly JournalEntry[]): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed;
    const bytes = Buffer.from(entries.map(lineOf).join(''), 'utf8');
    try {
      await this.#file.write(bytes, 0, bytes.length, this.#endBytes);
      await this.#file.datasync();
    } catch (cause) {
      this.#failed = new AgentError(
        'JOURNAL_DAMAGED',
        `${this.path} could not be written: ${messageOf(cause)}`,
        {
          cause,
        },
      );
      throw this.#failed;
    }
    this.#endBytes += bytes.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function lineOf(entry: JournalEntry): string {
  const json = JSON.stringify(entry);
  return `${checksum(json)} ${json}\n`;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}

function parse(bytes: Buffer, path: string): { entries: JournalEntry[]; endBytes: number } {
  const emptyFrom = bytes.indexOf(EMPTY);
  const written = emptyFrom === -1 ? bytes : bytes.subarray(0, emptyFrom);
  const entries: JournalEntry[] = [];
  let endBytes = 0;
  for (let next = written.indexOf('\n'); next !== -1; next = written.indexOf('\n', endBytes)) {
    const line = written.toString('utf8', endBytes, next);
    const isLast = written.indexOf('\n', next + 1) === -1;
    const json = line.slice(9);
    if (line.slice(0, 8) !== checksum(json)) {
      // Torn by a crash if nothing whole follows; otherwise somebody changed it.
      if (isLast) break;
      throw new AgentError(
        'JOURNAL_DAMAGED',
        `${path}: line ${entries.length + 1} does not fit its checksum`,
      );
    }
    entries.push(entryOf(json, path, entries.length + 1));
    endBytes = next + 1;
  }
  return { entries, endBytes };
}

function entryOf(json: string, path: string, line: number): JournalEntry {
  const parsed = journalEntry.safeParse(JSON.parse(json));
  if (parsed.success) return parsed.data;
  throw new AgentError(
    'JOURNAL_DAMAGED',
    `${path}: line ${line} is not known to this release: ${parsed.error.issues[0]?.message ?? ''}`,
  );
}
