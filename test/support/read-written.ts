import type { Readable } from 'node:stream';

/** All text that was written to a stream and not read yet. From Node 26 on, one `read()` gives one chunk of it. */
export function readWritten(stream: Readable): string {
  let text = '';
  for (let chunk: unknown = stream.read(); chunk !== null; chunk = stream.read()) text += String(chunk);
  return text;
}
