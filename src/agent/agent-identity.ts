import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { readTextIfPresent, writeTextDurably } from '../base/durable-file.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The id of this state directory, made at the first start. A host that was reimaged has another, so that nobody
 * takes its empty journal for the word of the host that was.
 *
 * @throws {AgentError} `STATE_DAMAGED` when the file holds something else.
 */
export async function readJournalId(stateDir: string): Promise<string> {
  const path = join(stateDir, 'journal-id');
  const text = await readTextIfPresent(path);
  if (text === undefined) {
    const made = randomUUID();
    await writeTextDurably(path, `${made}\n`);
    return made;
  }
  const id = text.trim();
  if (UUID.test(id)) return id;
  throw new AgentError('STATE_DAMAGED', `${path} does not hold an id`);
}
