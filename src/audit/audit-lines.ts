import { createReadStream } from 'node:fs';
import { MAX_LINE_BYTES } from './audit-line.ts';

/** A line as it lies in the file, or a piece of one. */
export interface RawLine {
  readonly bytes: Buffer;
  /** A line end follows; false for the end of a file, and for pieces of a line that is too long to be one. */
  readonly isTerminated: boolean;
  /** It begins in the middle of such a line. */
  readonly isContinued: boolean;
}

const LINE_END = 0x0a;

/** The lines of a file in pieces of a megabyte at most, whatever it holds. Throws the file system's error. */
export async function* readRawLines(path: string): AsyncGenerator<RawLine> {
  let rest: Buffer = Buffer.alloc(0);
  let isContinued = false;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(LINE_END); end !== -1; end = rest.indexOf(LINE_END)) {
      yield { bytes: rest.subarray(0, end), isTerminated: true, isContinued };
      isContinued = false;
      rest = rest.subarray(end + 1);
    }
    if (rest.length <= MAX_LINE_BYTES) continue;
    yield { bytes: rest, isTerminated: false, isContinued };
    isContinued = true;
    rest = Buffer.alloc(0);
  }
  if (rest.length > 0) yield { bytes: rest, isTerminated: false, isContinued };
}
