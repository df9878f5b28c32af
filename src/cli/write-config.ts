import { chmod, chown, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { writeTextDurably } from '../base/durable-file.ts';
import { pathExists } from '../base/path-exists.ts';
import { idOfGroup } from '../discovery/user-names.ts';

interface WriteConfig {
  readonly path: string;
  readonly text: string;
  /** Replace what is there. */
  readonly force: boolean;
  /** Who runs etcd, `user:group`: its agent runs as the same user, and must be able to read the file. */
  readonly owner: string | undefined;
}

/**
 * Writes a configuration file, whole or not at all: 0600, or 0640 of root and etcd's group where root writes it.
 *
 * @returns Mode and group, for people.
 * @throws {AgentError} `EXPORT_TARGET_EXISTS` when something is there; `FILE_UNREADABLE` when it cannot be written.
 */
export async function writeConfig({ path, text, force, owner }: WriteConfig): Promise<string> {
  try {
    if (!force && (await pathExists(path))) {
      throw new AgentError('EXPORT_TARGET_EXISTS', `${path} is there already; --force replaces it`);
    }
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeTextDurably(path, text);
    return await openToGroup(path, owner);
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError('FILE_UNREADABLE', `${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

async function openToGroup(path: string, owner: string | undefined): Promise<string> {
  const group = process.getuid?.() === 0 ? owner?.split(':')[1] : undefined;
  const groupId = group === undefined ? undefined : await idOfGroup(group);
  if (group === undefined || groupId === undefined || groupId === 0) return 'mode 0600';
  await chown(path, 0, groupId);
  await chmod(path, 0o640);
  return `mode 0640, root:${group}`;
}
