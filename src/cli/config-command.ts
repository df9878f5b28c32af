import type { Command } from 'commander';
import { notCompared } from '../config/command-checks.ts';
import type { Config } from '../config/config-schema.ts';
import { loadConfig } from '../config/load-config.ts';
import { readEtcdFile } from '../config/read-etcd-file.ts';
import { validateCron } from '../schedule/validate-cron.ts';
import { addConfigInitCommand } from './config-init-command.ts';
import type { RunInSession } from './run-in-session.ts';
import { formatFields, indent } from './table.ts';

/** `lifeboat config …` */
export function addConfigCommand(program: Command, run: RunInSession): void {
  const group = program.command('config').description('the configuration file');
  addConfigInitCommand(group, run);
  group
    .command('check')
    .description('say everything that is wrong with it, or what it means; asks no agent')
    .action((_options: object, command: Command) =>
      run(command, async (session) => {
        const file = session.configFile;
        const config = await loadConfig(file, { scheduleProblem: validateCron });
        const unseen = notCompared(config, await readEtcdFile(config.supervisor));
        session.print(
          { file, valid: true, config, ...(unseen === undefined ? {} : { notCompared: unseen }) },
          () => configText(file, config, unseen),
        );
        return 0;
      }),
    );
}

function configText(file: string, config: Config, unseen: string | undefined): string[] {
  const { agent, etcd, supervisor, mesh, snapshots } = config;
  return [
    `${file} is valid`,
    ...indent(
      formatFields([
        ['agent', agent.name],
        ['etcd', `${etcd.memberName} at ${etcd.endpoint}, data in ${etcd.dataDir}`],
        ['supervisor', supervisor.kind],
        ['not compared', unseen === undefined ? undefined : `section etcd: ${unseen}`],
        ['peers', mesh.peers.map((peer) => peer.name).join(', ') || 'none'],
        [
          'snapshots',
          `${snapshots.keep} in ${snapshots.directory}, ${snapshots.schedule?.cron ?? 'no schedule'}`,
        ],
        ['socket', agent.controlSocket],
      ]),
    ),
  ];
}
