import { AgentError } from '../base/agent-error.ts';

/** More than the largest answer, a list of thousands of snapshots. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * The complete lines of a stream of UTF-8. What follows the last line end is an answer that was cut off, and left out.
 *
 * @throws {AgentError} `PROTOCOL_MISMATCH` for a line longer than 64 MiB, before it is held.
 */
export async function* splitLines(chunks: AsyncIterable<unknown>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    let rest = chunk;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      yield Buffer.concat([...parts, rest.subarray(0, end)]).toString('utf8');
      parts = [];
      sizeBytes = 0;
      rest = rest.subarray(end + 1);
    }
    sizeBytes += rest.length;
    if (sizeBytes > MAX_LINE_BYTES) {
      throw new AgentError(
        'PROTOCOL_MISMATCH',
        `a line of the answer is longer than ${MAX_LINE_BYTES} bytes`,
      );
    }
    parts.push(rest);
  }
}
