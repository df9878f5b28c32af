import { closeSync, mkdtempSync, openSync, readSync, rmdirSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import type { KeyState } from './live-key.ts';
import { readState, recordBytes, writeState } from './state-record.ts';

const WRITE_BYTES = 1 << 20;
/** What all runs together hold of their parts of the file, and how little one of them may. */
const WINDOWS_BYTES = 8 << 20;
const LARGEST_WINDOW_BYTES = 256 << 10;
const SMALLEST_WINDOW_BYTES = 4 << 10;

interface Run {
  readonly start: number;
  readonly end: number;
}

/**
 * Sorted runs of key states, in one file below `directory`. The file loses its name as soon as it is there: however the process
 * ends, nothing is left, and nobody else can open it.
 */
export class SpilledRuns implements Disposable {
  readonly #directory: string;
  readonly #runs: Run[] = [];
  #fd: number | undefined;
  #sizeBytes = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  /** @throws {AgentError} `NO_SPACE`; `FILE_UNREADABLE` when there can be no file at all. */
  add(states: Iterable<KeyState>): void {
    const start = this.#sizeBytes;
    let buffer = Buffer.allocUnsafe(WRITE_BYTES);
    let filled = 0;
    for (const state of states) {
      const needed = recordBytes(state);
      if (filled + needed > buffer.length) {
        this.#append(buffer.subarray(0, filled));
        filled = 0;
        if (needed > buffer.length) buffer = Buffer.allocUnsafe(needed);
      }
      writeState(buffer, filled, state);
      filled += needed;
    }
    this.#append(buffer.subarray(0, filled));
    this.#runs.push({ start, end: this.#sizeBytes });
  }

  /** From the oldest to the newest, each to be read once. */
  runs(): Iterable<KeyState>[] {
    const share = Math.floor(WINDOWS_BYTES / Math.max(1, this.#runs.length));
    const windowBytes = Math.max(SMALLEST_WINDOW_BYTES, Math.min(share, LARGEST_WINDOW_BYTES));
    return this.#runs.map((run) => this.#read(run, windowBytes));
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  *#read(run: Run, windowBytes: number): Generator<KeyState> {
    let window = Buffer.allocUnsafe(windowBytes);
    let [at, end, next] = [0, 0, run.start];
    while (at < end || next < run.end) {
      const state = readState(window, at, end);
      if (typeof state !== 'number') {
        at += recordBytes(state);
        yield state;
        continue;
      }
      const kept = window.subarray(at, end);
      const larger = state > window.length ? Buffer.allocUnsafe(state) : window;
      kept.copy(larger);
      window = larger;
      [at, end] = [0, kept.length];
      const wanted = Math.min(window.length - end, run.end - next);
      const bytesRead = this.#attempt(() => readSync(this.#open(), window, end, wanted, next));
      if (bytesRead === 0) throw this.#failure(new Error(`the file ends at byte ${next}`));
      end += bytesRead;
      next += bytesRead;
    }
  }

  #append(bytes: Buffer): void {
    for (let written = 0; written < bytes.length;) {
      const rest = bytes.length - written;
      const position = this.#sizeBytes;
      const done = this.#attempt(() => writeSync(this.#open(), bytes, written, rest, position));
      written += done;
      this.#sizeBytes += done;
    }
  }

  #open(): number {
    this.#fd ??= openNameless(this.#directory);
    return this.#fd;
  }

  #attempt<T>(act: () => T): T {
    try {
      return act();
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #failure(cause: unknown): AgentError {
    const isFull = ['ENOSPC', 'EDQUOT'].includes(systemCodeOf(cause) ?? '');
    return new AgentError(
      isFull ? 'NO_SPACE' : 'FILE_UNREADABLE',
      `scratch space for the sorting of keys in ${this.#directory}: ${messageOf(cause)}`,
      { cause, details: { directory: this.#directory } },
    );
  }
}

function openNameless(directory: string): number {
  // A directory of its own (0700), so that nobody can have put something else in the file's place.
  const own = mkdtempSync(join(directory, 'etcd-lifeboat-'));
  try {
    const path = join(own, 'keys');
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return fd;
  } finally {
    rmdirSync(own);
  }
}
