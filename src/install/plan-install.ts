import { AgentError } from '../base/agent-error.ts';
import { readTextIfPresent } from '../base/durable-file.ts';
import { installedRecord, type InstalledRecord } from '../formats/installed-record.ts';
import { installedPrefixOf } from './adapt-unit.ts';
import { compareFile, type FileChange } from './compare-file.ts';
import { installLayout, recordPath, type Distribution, type InstallFile } from './install-layout.ts';
import { checkWish, type InstallWish } from './install-wish.ts';
import { hasSystemd, userExists } from './service-manager.ts';

const AGENT_UNIT = '/etc/systemd/system/lifeboat.service';

/** What an installation would do, found out without doing anything. */
export interface InstallPlan {
  readonly wish: InstallWish;
  readonly files: readonly (InstallFile & { readonly change: FileChange })[];
  /** Files of an earlier installation that this release does not have. */
  readonly stale: readonly string[];
  readonly createsUser: boolean;
  readonly hasSystemd: boolean;
}

/** @throws {AgentError} `USAGE`; `INSTALL_REFUSED` when an earlier installation was told another unit, or is below another prefix. */
export async function planInstall(
  distribution: Distribution,
  wish: InstallWish,
  signal: AbortSignal,
): Promise<InstallPlan> {
  checkWish(wish);
  const before = await readRecord(wish.prefix);
  refuseOtherUnit(before, wish);
  await refuseOtherPrefix(wish);
  const files: (InstallFile & { change: FileChange })[] = [];
  for (const file of installLayout(distribution, wish)) {
    files.push({ ...file, change: await compareFile(file, signal) });
  }
  const paths = new Set(files.map(({ path }) => path));
  return {
    wish,
    files,
    stale: (before?.files ?? []).filter((path) => !paths.has(path)),
    createsUser: !(await userExists(wish.user, signal)),
    hasSystemd: await hasSystemd(),
  };
}

/** Whether there is anything to write, remove or create. */
export function changesAnything(plan: InstallPlan): boolean {
  return plan.createsUser || plan.stale.length > 0 || plan.files.some(({ change }) => change !== 'same');
}

/** @throws {AgentError} `STATE_DAMAGED` when it is there and makes no sense. */
export async function readRecord(prefix: string): Promise<InstalledRecord | undefined> {
  const path = recordPath(prefix);
  const text = await readTextIfPresent(path);
  if (text === undefined) return undefined;
  try {
    return installedRecord.parse(JSON.parse(text));
  } catch (cause) {
    throw new AgentError('STATE_DAMAGED', `${path} is not the record of an installation`, { cause });
  }
}

/** The drop-in of the other unit would go, and that etcd could then be started in the middle of a restore. */
function refuseOtherUnit(before: InstalledRecord | undefined, { unit }: InstallWish): void {
  if (before === undefined || before.unit === unit) return;
  throw new AgentError(
    'INSTALL_REFUSED',
    `it is installed for ${before.unit}; for ${unit}, \`lifeboat uninstall\` first`,
  );
}

/** There is one lifeboat.service; the other installation would be left with a record of files that are not its own. */
async function refuseOtherPrefix({ prefix }: InstallWish): Promise<void> {
  const other = installedPrefixOf((await readTextIfPresent(AGENT_UNIT)) ?? '');
  if (other === undefined || other === prefix) return;
  throw new AgentError(
    'INSTALL_REFUSED',
    `it is installed below ${other}: \`${other}/bin/lifeboat uninstall\` first`,
  );
}
