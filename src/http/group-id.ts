import { readFile } from 'node:fs/promises';
import { AgentError } from '../base/agent-error.ts';

/**
 * The number of a group of this host, from a file in the form of group(5).
 *
 * @throws {AgentError} `CONFIG_INVALID` when the file has no such group.
 */
export async function groupIdOf(name: string, groupFile = '/etc/group'): Promise<number> {
  const text = await readFile(groupFile, 'utf8');
  for (const line of text.split('\n')) {
    const [group, , id] = line.split(':');
    if (group === name && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  throw new AgentError('CONFIG_INVALID', `agent.controlSocketGroup: ${groupFile} has no group ${name}`);
}
