import { chmod, chown, mkdir } from 'node:fs/promises';
import { AgentError } from '../base/agent-error.ts';
import { removeDurably } from '../base/durable-file.ts';
import { pathExists } from '../base/path-exists.ts';
import { runCheckedCommand } from '../base/run-command.ts';
import type { InstalledRecord } from '../formats/installed-record.ts';
import { recordPath, type InstallFile } from './install-layout.ts';
import { changesAnything, readRecord, type InstallPlan } from './plan-install.ts';
import { createSystemUser, debianPackageInstalled, runningAgents, systemctl } from './service-manager.ts';
import { writeInstallFile } from './write-file.ts';

const CONFIG_DIRECTORY = '/etc/etcd-lifeboat';
const CONFIG_FILE = `${CONFIG_DIRECTORY}/config.yaml`;

interface Guards {
  /** Of the person who runs the command. */
  readonly userId: number;
  /** A restore that an agent of this host takes part in, in words. */
  readonly activeRestore: () => Promise<string | undefined>;
  readonly signal: AbortSignal;
}

/** What became of the agent: `kept` where nothing changed, `without-configuration` where it waits for one. */
export type AgentOutcome = 'restarted' | 'started' | 'kept' | 'without-configuration' | 'no-systemd';

/** @throws {AgentError} `INSTALL_REFUSED`: not root, the .deb is installed, or an agent is at work that would be restarted. */
export async function checkInstall({ userId, activeRestore, signal }: Guards): Promise<void> {
  if (userId !== 0) throw new AgentError('INSTALL_REFUSED', `only root can install; this is user ${userId}`);
  if (await debianPackageInstalled(signal)) {
    throw new AgentError(
      'INSTALL_REFUSED',
      'the package etcd-lifeboat is installed: upgrade that, or remove it first with `apt remove etcd-lifeboat`',
    );
  }
  const restore = await activeRestore();
  if (restore !== undefined) {
    throw new AgentError(
      'INSTALL_REFUSED',
      `the agent takes part in the restore ${restore}: wait for its end`,
    );
  }
}

/**
 * Does what the plan says. What was written stays when a later step fails: the record names it, and running it again goes on.
 *
 * @throws the file system's error, `COMMAND_FAILED` of a program that was called, or `NO_SPACE`.
 */
export async function carryOutInstall(
  plan: InstallPlan,
  release: string,
  signal: AbortSignal,
): Promise<AgentOutcome> {
  const { wish, files, stale } = plan;
  const isChange = changesAnything(plan);
  if (plan.createsUser) await createSystemUser(wish.user, signal);
  await makeConfigDirectory(wish.user, signal);
  const record = {
    version: 1,
    release,
    prefix: wish.prefix,
    unit: wish.unit,
    user: wish.user,
    files: files.map(({ path }) => path),
  } as const satisfies InstalledRecord;
  // First what may be there when it was cut off, then what is.
  await writeRecord({ ...record, files: [...record.files, ...stale] }, signal);
  for (const file of files) {
    if (file.change !== 'same') await writeInstallFile(file, signal);
  }
  for (const path of stale) await removeDurably(path);
  await writeRecord(record, signal);
  return plan.hasSystemd ? await bringUpAgent(isChange, signal) : 'no-systemd';
}

async function writeRecord(record: InstalledRecord, signal: AbortSignal): Promise<void> {
  const before = await readRecord(record.prefix);
  const text = `${JSON.stringify(record, null, 2)}\n`;
  if (before !== undefined && `${JSON.stringify(before, null, 2)}\n` === text) return;
  const file: InstallFile = { path: recordPath(record.prefix), mode: 0o644, content: { text } };
  await writeInstallFile(file, signal);
}

/** For root to write, for the agent to read: keys may be in it. One that is there is the operator's. */
async function makeConfigDirectory(user: string, signal: AbortSignal): Promise<void> {
  if (await pathExists(CONFIG_DIRECTORY)) return;
  const { stdout } = await runCheckedCommand('id', ['--group', user], { signal, timeoutMs: 60_000 });
  await mkdir(CONFIG_DIRECTORY, { mode: 0o700 });
  await chown(CONFIG_DIRECTORY, 0, Number(stdout.trim()));
  await chmod(CONFIG_DIRECTORY, 0o750);
}

async function bringUpAgent(isChange: boolean, signal: AbortSignal): Promise<AgentOutcome> {
  await systemctl(['daemon-reload'], signal);
  await systemctl(['enable', '--quiet', 'lifeboat.service'], signal);
  const agents = await runningAgents(signal);
  if (agents.length > 0) {
    if (!isChange) return 'kept';
    for (const agent of agents) await systemctl(['restart', agent], signal);
    return 'restarted';
  }
  if (!(await pathExists(CONFIG_FILE))) return 'without-configuration';
  await systemctl(['start', 'lifeboat.service'], signal);
  return 'started';
}
