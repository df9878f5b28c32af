import type { Command } from 'commander';
import { AgentError } from '../base/agent-error.ts';
import { checkInstall, carryOutInstall, type AgentOutcome } from '../install/install.ts';
import { planInstall, type InstallPlan } from '../install/plan-install.ts';
import { readDistribution } from '../install/read-distribution.ts';
import { carryOutUninstall, checkUninstall } from '../install/uninstall.ts';
import { activeRestore } from './active-restore.ts';
import { confirmChange } from './confirm-change.ts';
import { installedText, installPlanText, uninstalledText, uninstallPlanText } from './install-text.ts';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';
import { interruptedBy } from './stop-signals.ts';

interface HowOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

interface InstallOptions extends HowOptions {
  readonly prefix: string;
  readonly unit: string;
  readonly user: string;
}

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

async function install(session: Session, options: InstallOptions, signal: AbortSignal): Promise<number> {
  const { programFile, userId, release } = session.surroundings;
  const { prefix, unit, user } = options;
  const plan = await planInstall(await readDistribution(programFile), { prefix, unit, user }, signal);
  if (options.dryRun === true) {
    session.print({ dryRun: true, ...summaryOf(plan, release) }, () => installPlanText(plan, release));
    return 0;
  }
  await checkInstall({ userId, signal, activeRestore: () => activeRestore(signal) });
  if (options.yes !== true) {
    requireQuestion(session);
    session.printText(installPlanText(plan, release));
    await confirmChange('Install it?', session.surroundings.terminal);
  }
  const agent: AgentOutcome = await carryOutInstall(plan, release, signal);
  session.print({ dryRun: false, ...summaryOf(plan, release), agent }, () =>
    installedText(plan, release, agent),
  );
  return 0;
}

async function uninstall(session: Session, options: HowOptions, signal: AbortSignal): Promise<number> {
  const { programFile, userId } = session.surroundings;
  const record = await checkUninstall(programFile, { userId, activeRestore: () => activeRestore(signal) });
  const { prefix, release, files } = record;
  if (options.dryRun === true) {
    session.print({ dryRun: true, release, prefix, files }, () => uninstallPlanText(record));
    return 0;
  }
  if (options.yes !== true) {
    requireQuestion(session);
    session.printText(uninstallPlanText(record));
    await confirmChange('Remove it?', session.surroundings.terminal);
  }
  await carryOutUninstall(record, signal);
  session.print({ dryRun: false, release, prefix, files }, () => uninstalledText(record));
  return 0;
}

function requireQuestion(session: Session): void {
  if (session.canAsk) return;
  throw new AgentError('USAGE', 'there is no terminal to ask on: say --yes, or look first with --dry-run');
}

function summaryOf(plan: InstallPlan, release: string): object {
  return {
    release,
    ...plan.wish,
    createsUser: plan.createsUser,
    files: plan.files.map(({ path, change }) => ({ path, change })),
    removes: plan.stale,
  };
}
