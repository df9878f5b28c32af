import { stripVTControlCharacters } from 'node:util';

interface TerminalStream {
  write(text: string): unknown;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

const ERASE_BELOW = '\u001B[J';
const DEFAULT_COLUMNS = 80;

/** Lines at the bottom of a terminal that are written over in place. */
export class LiveBlock {
  readonly #stream: TerminalStream;
  #height = 0;

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  /**
   * Replaces what was shown before. Lines are cut to the width, since a wrapped one would take two rows, and
   * those below the screen are left out, since the cursor cannot come back from there.
   */
  show(lines: readonly string[]): void {
    const columns = known(this.#stream.columns) ?? DEFAULT_COLUMNS;
    const rows = known(this.#stream.rows) ?? lines.length + 1;
    const shown = lines.slice(0, Math.max(1, rows - 1));
    const text = shown.map((line) => `${cut(line, columns - 1)}\n`).join('');
    this.#stream.write(this.#home() + text);
    this.#height = shown.length;
  }

  /** Takes the block off the screen. */
  clear(): void {
    if (this.#height > 0) this.#stream.write(this.#home());
    this.#height = 0;
  }

  #home(): string {
    return this.#height === 0 ? '' : `\u001B[${this.#height}A\r${ERASE_BELOW}`;
  }
}

/** A terminal that does not know its size says 0. */
function known(size: number | undefined): number | undefined {
  return size === 0 ? undefined : size;
}

/** A line that must be cut loses its colours: an escape cut in half would colour the rest of the screen. */
function cut(line: string, columns: number): string {
  const bare = stripVTControlCharacters(line);
  return bare.length <= columns ? line : `${bare.slice(0, Math.max(0, columns - 1))}…`;
}
