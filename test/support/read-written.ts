import type { Readable } from 'node:stream';

/** All text that was written to a stream and not read yet. From Node 26 on, one `read()` gives one chunk of it. */
export function readWritten(stream: Readable): string {
  let text = '';
  for (let chunk = next(stream); chunk !== null; chunk = next(stream)) text += chunk.toString();
  return text;
}

function next(stream: Readable): Buffer | string | null {
  return stream.read() as Buffer | string | null;
}
