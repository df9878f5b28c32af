import type { Command } from 'commander';
import type { HowOptions, InstallOptions } from './install-on-host.ts';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';
import { interruptedBy } from './stop-signals.ts';

/** `lifeboat install` and `lifeboat uninstall` */
export function addInstallCommands(program: Command, run: RunInSession): void {
  withHow(program.command('install'))
    .description(
      'install this unpacked tarball on the host: program, units and user; shows first what it will do',
    )
    .option('--prefix <directory>', 'where the program goes', '/usr/local')
    .option('--unit <name>', "etcd's unit, which a restore keeps from starting", 'etcd.service')
    .option('--user <name>', 'who the agent runs as: the user of etcd; made if absent', 'etcd')
    .action((options: InstallOptions, command: Command) =>
      run(command, (session) => withStop(session, (signal) => install(session, options, signal))),
    );
  withHow(program.command('uninstall'))
    .description('remove what `lifeboat install` wrote; configuration, snapshots and etcd stay')
    .action((options: HowOptions, command: Command) =>
      run(command, (session) => withStop(session, (signal) => uninstall(session, options, signal))),
    );
}

function withHow(command: Command): Command {
  return command.option('--yes', 'do not ask').option('--dry-run', 'only show what would be done');
}

async function withStop(session: Session, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const { signals, endNow } = session.surroundings;
  using stop = interruptedBy(['SIGTERM', 'SIGINT'], signals, () => {
    endNow(1);
  });
  return await work(stop.signal);
}

/** Loaded only here: every other command would pay for what installs. */
async function install(session: Session, options: InstallOptions, signal: AbortSignal): Promise<number> {
  const { installOnHost } = await import('./install-on-host.ts');
  return await installOnHost(session, options, signal);
}

async function uninstall(session: Session, options: HowOptions, signal: AbortSignal): Promise<number> {
  const { uninstallFromHost } = await import('./install-on-host.ts');
  return await uninstallFromHost(session, options, signal);
}
