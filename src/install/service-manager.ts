import { asAgentError } from '../base/agent-error.ts';
import { pathExists } from '../base/path-exists.ts';
import { runCheckedCommand, runCommand } from '../base/run-command.ts';

const TIMEOUT_MS = 60_000;
/** The agent's unit allows it ten minutes for a restore that it resumes, and two and a half to stop. */
const JOB_TIMEOUT_MS = 15 * 60_000;

/** Whether systemd runs this machine; in a container or while an image is built it does not. */
export async function hasSystemd(): Promise<boolean> {
  return await pathExists('/run/systemd/system');
}

/** `systemctl` with some words. Throws `COMMAND_FAILED` with its last lines. */
export async function systemctl(args: readonly string[], signal: AbortSignal): Promise<void> {
  const timeoutMs = ['start', 'stop', 'restart'].includes(args[0] ?? '') ? JOB_TIMEOUT_MS : TIMEOUT_MS;
  await runCheckedCommand('systemctl', args, { signal, timeoutMs });
}

/** The units of agents that run on this host, or try to. */
export async function runningAgents(signal: AbortSignal): Promise<string[]> {
  const states = '--state=active,activating,reloading';
  const patterns = ['lifeboat.service', 'lifeboat@*.service'];
  const { stdout } = await runCheckedCommand(
    'systemctl',
    ['list-units', '--all', '--plain', '--no-legend', states, ...patterns],
    { signal, timeoutMs: TIMEOUT_MS },
  );
  return stdout
    .split('\n')
    .flatMap((line) => line.trim().split(/\s+/)[0] ?? [])
    .filter((unit) => unit !== '');
}

/** Whether Debian's package manager has etcd-lifeboat installed. False where there is no dpkg. */
export async function debianPackageInstalled(signal: AbortSignal): Promise<boolean> {
  const args = ['--show', '--showformat=${db:Status-Status}', 'etcd-lifeboat'];
  try {
    const { stdout } = await runCommand('dpkg-query', args, { signal, timeoutMs: TIMEOUT_MS });
    return !['', 'not-installed', 'config-files'].includes(stdout.trim());
  } catch (error) {
    if (asAgentError(error).code === 'COMMAND_NOT_FOUND') return false;
    throw error;
  }
}

/** Whether a user of that name exists; its group is asked for too. */
export async function userExists(name: string, signal: AbortSignal): Promise<boolean> {
  const { exitStatus } = await runCommand('getent', ['passwd', name], { signal, timeoutMs: TIMEOUT_MS });
  return exitStatus === 0;
}

/** A system user with a group of the same name, no password, no shell and no home of its own. */
export async function createSystemUser(name: string, signal: AbortSignal): Promise<void> {
  const { exitStatus } = await runCommand('getent', ['group', name], { signal, timeoutMs: TIMEOUT_MS });
  const group = exitStatus === 0 ? ['--gid', name] : ['--user-group'];
  const home = ['--home-dir', '/var/lib/etcd', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  await runCheckedCommand('useradd', ['--system', ...group, ...home, name], {
    signal,
    timeoutMs: TIMEOUT_MS,
  });
}
