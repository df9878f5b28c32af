import { AgentError, asAgentError } from '../base/agent-error.ts';
import { runCheckedCommand } from '../base/run-command.ts';
import { LAUNCH_PROPERTIES, parseUnitLaunch, type UnitLaunch } from './unit-launch.ts';

const CALL_TIMEOUT_MS = 20_000;

/**
 * Asks systemd how a unit starts.
 *
 * @param systemctl - The program, by name or path.
 * @throws {AgentError} `SUPERVISOR_FAILED` when systemd cannot be asked; `CANCELLED`.
 */
export async function showUnit(unit: string, systemctl: string, signal: AbortSignal): Promise<UnitLaunch> {
  const args = ['--no-ask-password', '--no-pager', 'show', `--property=${LAUNCH_PROPERTIES.join(',')}`, unit];
  try {
    const env = { LC_ALL: 'C', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' };
    const { stdout } = await runCheckedCommand(systemctl, args, { signal, timeoutMs: CALL_TIMEOUT_MS, env });
    return parseUnitLaunch(stdout);
  } catch (cause) {
    const error = asAgentError(cause);
    if (error.code === 'CANCELLED') throw error;
    throw new AgentError('SUPERVISOR_FAILED', error.message, { cause });
  }
}
