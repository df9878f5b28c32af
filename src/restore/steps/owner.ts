import { readFile } from 'node:fs/promises';
import { AgentError } from '../../base/agent-error.ts';

/**
 * `etcd:etcd` or `998:997` as numbers, looked up in /etc/passwd and /etc/group.
 *
 * @throws {AgentError} `CONFIG_INVALID` when a name is unknown on this host.
 */
export async function parseOwner(owner: string): Promise<{ uid: number; gid: number }> {
  const [user = '', group = user] = owner.split(':');
  return { uid: await idOf(user, '/etc/passwd'), gid: await idOf(group, '/etc/group') };
}

async function idOf(name: string, file: string): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name);
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.split(':'));
  const id = lines.find((fields) => fields[0] === name)?.[2];
  if (id === undefined) throw new AgentError('CONFIG_INVALID', `etcd.owner: ${name} is not in ${file}`);
  return Number(id);
}
