import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path/posix';
import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/config-schema.ts';
import { withoutEnv } from '../config/etcd-command.ts';
import { parseEtcdConfigFile } from '../config/etcd-config-file.ts';
import { findEtcd } from '../discovery/find-etcd.ts';
import { configFileOf, type EtcdLaunch } from '../discovery/launch.ts';
import type { JoinEtcdOptions } from '../membership/join-etcd.ts';

/**
 * How etcd is started here, for the one start that makes it join.
 *
 * @throws {AgentError} `JOIN_UNSUPPORTED` where that is the operator's own command, or cannot be done as etcd's user; what
 *   `findEtcd` throws for the unit.
 */
export async function joinEtcdOptions(
  { supervisor, agent }: Config,
  clock: Clock,
  signal: AbortSignal,
): Promise<JoinEtcdOptions> {
  const common = { stateDir: agent.stateDir, clock };
  switch (supervisor.kind) {
    case 'process':
      return { ...common, launch: await launchOfCommand(supervisor.command, agent.stateDir), asUser: [] };
    case 'systemd': {
      const systemctl = supervisor.systemctl ?? 'systemctl';
      const options = { parseYaml: parseEtcdConfigFile, systemctl, signal };
      const { launch, owner, configFile } = await findEtcd({ unit: supervisor.unit }, options);
      const asUser = userWords(owner);
      if (asUser.length > 0 && configFile !== undefined) {
        throw new AgentError(
          'JOIN_UNSUPPORTED',
          `etcd runs as ${owner ?? ''} with ${configFile}, and this agent as root: the changed file would be closed to etcd`,
        );
      }
      return { ...common, launch, asUser };
    }
    case 'command':
      throw new AgentError(
        'JOIN_UNSUPPORTED',
        'etcd is started by a command of yours, of whose flags nothing is known here',
      );
  }
}

async function launchOfCommand(command: readonly string[], stateDir: string): Promise<EtcdLaunch> {
  const { variables, words } = withoutEnv(command);
  const launch = { argv: words, environment: Object.fromEntries(variables), workingDirectory: stateDir };
  const named = configFileOf(launch);
  if (named === undefined) return launch;
  const path = resolve(stateDir, named);
  return { ...launch, configFile: parseEtcdConfigFile(await readFile(path, 'utf8'), path) };
}

/** Only root can become somebody else; any other agent runs as etcd's own user. */
function userWords(owner: string | undefined): string[] {
  const [user = 'root', group = user] = (owner ?? 'root').split(':');
  if (process.getuid?.() !== 0 || user === 'root') return [];
  return ['setpriv', '--reuid', user, '--regid', group, '--init-groups', '--'];
}
