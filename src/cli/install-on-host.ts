import { AgentError } from '../base/agent-error.ts';
import { checkInstall, carryOutInstall, type AgentOutcome } from '../install/install.ts';
import { planInstall, type InstallPlan } from '../install/plan-install.ts';
import { readDistribution } from '../install/read-distribution.ts';
import { carryOutUninstall, checkUninstall } from '../install/uninstall.ts';
import { activeRestore } from './active-restore.ts';
import { confirmChange } from './confirm-change.ts';
import { installedText, installPlanText, uninstalledText, uninstallPlanText } from './install-text.ts';
import type { Session } from './session.ts';

export interface HowOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export interface InstallOptions extends HowOptions {
  readonly prefix: string;
  readonly unit: string;
  readonly user: string;
}

/** Shows what it will do, asks, and installs. @throws {AgentError} `USAGE` when there is nobody to ask; what the installation throws. */
export async function installOnHost(
  session: Session,
  options: InstallOptions,
  signal: AbortSignal,
): Promise<number> {
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

/** Shows what it will remove, asks, and removes it. @throws {AgentError} as `installOnHost`. */
export async function uninstallFromHost(
  session: Session,
  options: HowOptions,
  signal: AbortSignal,
): Promise<number> {
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
