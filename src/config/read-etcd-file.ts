import { readFile, stat } from 'node:fs/promises';
import { parseEtcdConfigFile } from './etcd-config-file.ts';
import { readEtcdCommand } from './etcd-command.ts';
import type { ConfigSections } from './config-schema.ts';

const MAX_FILE_BYTES = 1 << 20;

/**
 * The content of the `--config-file` that the supervisor's command names; `undefined` when it names none, or one that
 * cannot be read here: an operator's command may not be allowed to, and etcd itself says so best.
 */
export async function readEtcdFile(supervisor: ConfigSections['supervisor'] | undefined): Promise<unknown> {
  if (supervisor?.kind !== 'process') return undefined;
  const { configFile } = readEtcdCommand(supervisor.command);
  if (configFile?.startsWith('/') !== true) return undefined;
  try {
    if ((await stat(configFile)).size > MAX_FILE_BYTES) return undefined;
    return parseEtcdConfigFile(await readFile(configFile, 'utf8'), configFile) ?? {};
  } catch {
    return undefined;
  }
}
