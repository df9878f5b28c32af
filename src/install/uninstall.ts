import { readdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';
import { removeDurably } from '../base/durable-file.ts';
import { pathExists } from '../base/path-exists.ts';
import type { InstalledRecord } from '../formats/installed-record.ts';
import { holdsInForce } from './hold-in-force.ts';
import { recordPath } from './install-layout.ts';
import { readRecord } from './plan-install.ts';
import { hasSystemd, runningAgents, systemctl } from './service-manager.ts';

interface Guards {
  readonly userId: number;
  readonly activeRestore: () => Promise<string | undefined>;
}

/**
 * The record of the installation that the running program belongs to.
 *
 * @param programFile - `PREFIX/lib/etcd-lifeboat/lifeboat.mjs`.
 * @throws {AgentError} `UNINSTALL_REFUSED`: nothing was installed from there, not root, or a restore needs the agent or the hold.
 */
export async function checkUninstall(programFile: string, guards: Guards): Promise<InstalledRecord> {
  const prefix = dirname(dirname(dirname(programFile)));
  const record = await readRecord(prefix);
  if (record === undefined) {
    throw new AgentError(
      'UNINSTALL_REFUSED',
      `${recordPath(prefix)} is not there: \`lifeboat install\` did not install this program (a .deb goes by \`apt remove\`)`,
    );
  }
  if (guards.userId !== 0) {
    throw new AgentError('UNINSTALL_REFUSED', `only root can uninstall; this is user ${guards.userId}`);
  }
  await refuseUnderHold();
  const restore = await guards.activeRestore();
  if (restore !== undefined) {
    throw new AgentError('UNINSTALL_REFUSED', `the agent takes part in the restore ${restore}`);
  }
  return record;
}

/**
 * Stops and disables the agent, then removes what the record names. etcd, the configuration, snapshots, state and the user stay. The units go first
 * and the record last, so that one that was cut off can be run again.
 *
 * @throws {AgentError} `UNINSTALL_REFUSED` when a restore began meanwhile: the agents run again then.
 */
export async function carryOutUninstall(record: InstalledRecord, signal: AbortSignal): Promise<void> {
  const manages = await hasSystemd();
  if (manages) await stopAgents(signal);
  const files = record.files.toSorted((a, b) => Number(isUnit(b)) - Number(isUnit(a)));
  for (const path of files) await removeDurably(path);
  await removeDurably(recordPath(record.prefix));
  await removeEmptyDirectories(files);
  if (manages) await systemctl(['daemon-reload'], signal);
}

async function stopAgents(signal: AbortSignal): Promise<void> {
  const agents = await runningAgents(signal);
  for (const agent of agents) await systemctl(['stop', agent], signal);
  try {
    // A restore may have begun between the question and the stop.
    await refuseUnderHold();
  } catch (error) {
    for (const agent of agents) await systemctl(['start', '--no-block', agent], signal);
    throw error;
  }
  await systemctl(['disable', '--quiet', 'lifeboat.service'], signal);
}

/** With the program goes the drop-in that keeps etcd from being started on data that is half replaced. */
async function refuseUnderHold(): Promise<void> {
  const holds = await holdsInForce();
  if (holds.length === 0) return;
  throw new AgentError(
    'UNINSTALL_REFUSED',
    `a restore keeps etcd stopped on this host, by ${holds.join(', ')}; without this program etcd could be started on ` +
      "data that is half replaced. Only if you know that etcd's data is whole, move the file away",
  );
}

function isUnit(path: string): boolean {
  return path.startsWith('/etc/systemd/system/') && path.endsWith('.service');
}

async function removeEmptyDirectories(files: readonly string[]): Promise<void> {
  const directories = new Set(files.flatMap(parentsOf));
  directories.add('/etc/etcd-lifeboat');
  const deepestFirst = [...directories].toSorted((a, b) => b.length - a.length);
  for (const directory of deepestFirst) await removeIfEmpty(directory);
}

/** The directories above a file that are ours alone: those that others use too stay, also when they are empty. */
function parentsOf(path: string): string[] {
  const parent = dirname(path);
  if (parent === '/' || parent === path) return [];
  const isOurs = parent.includes('/etcd-lifeboat') || parent.endsWith('.service.d');
  return [...(isOurs ? [parent] : []), ...parentsOf(parent)];
}

async function removeIfEmpty(directory: string): Promise<void> {
  if (!(await pathExists(directory)) || (await readdir(directory)).length > 0) return;
  try {
    await rmdir(directory);
  } catch (error) {
    // Somebody put a file there meanwhile, or it is a mount point: theirs.
    if (!['ENOTEMPTY', 'EBUSY'].includes(systemCodeOf(error) ?? '')) throw error;
  }
}
