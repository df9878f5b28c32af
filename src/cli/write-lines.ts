import { once } from 'node:events';
import type { Surroundings } from './session.ts';

/** So much goes out at once: a line alone would cost more to write than to make. */
const CHUNK_CHARACTERS = 64 << 10;

/**
 * Writes lines as they come, without collecting them: a slow reader slows their making. Ends early, without an error, when nobody reads any more.
 */
export async function writeLines(
  lines: AsyncIterable<string>,
  { terminal, stdoutGone }: Pick<Surroundings, 'terminal' | 'stdoutGone'>,
): Promise<void> {
  const { stdout } = terminal;
  let chunk = '';
  for await (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    if (!stdout.write(chunk)) await once(stdout, 'drain', { signal: stdoutGone });
    chunk = '';
  }
  if (chunk !== '') stdout.write(chunk);
}
