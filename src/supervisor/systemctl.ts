import { asAgentError, AgentError } from '../base/agent-error.ts';
import { runCheckedCommand, runCommand } from '../base/run-command.ts';
import { parseUnitFacts, UNIT_PROPERTIES, type UnitFacts } from './unit-facts.ts';

interface SystemctlOptions {
  readonly unit: string;
  /** The programs, by name or path. */
  readonly systemctl: string;
  readonly journalctl: string;
}

/** systemctl only talks to systemd; what takes long is waited for by asking again. */
const CALL_TIMEOUT_MS = 20_000;
const JOURNAL_LINES = 20;
const ENV = { TZ: 'UTC', LC_ALL: 'C', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' };

/** One unit, through systemctl(1). Every call throws `SUPERVISOR_FAILED` when systemd refuses it or cannot be asked. */
export class Systemctl {
  readonly #options: SystemctlOptions;

  constructor(options: SystemctlOptions) {
    this.#options = options;
  }

  async facts(signal: AbortSignal): Promise<UnitFacts> {
    return parseUnitFacts(await this.#call(['show', `--property=${UNIT_PROPERTIES.join(',')}`], signal));
  }

  /** Only queues the job: with Type=notify, waiting for it is waiting for quorum. */
  async queueStart(signal: AbortSignal): Promise<void> {
    await this.#call(['start', '--no-block'], signal);
  }

  async queueStop(signal: AbortSignal): Promise<void> {
    await this.#call(['stop', '--no-block'], signal);
  }

  async kill(signal: AbortSignal): Promise<void> {
    await this.#call(['kill', '--signal=SIGKILL'], signal);
  }

  /** Forgets failures and the count of recent starts, which could forbid the next one. */
  async resetFailed(signal: AbortSignal): Promise<void> {
    try {
      await this.#call(['reset-failed'], signal);
    } catch (error) {
      // systemd unloads a unit that is down and has nothing to forget.
      if (!(error instanceof AgentError) || !error.message.includes('not loaded')) throw error;
    }
  }

  /** The unit's last lines in the journal; a sentence about why not where they cannot be read. */
  async lastLines(signal: AbortSignal): Promise<string> {
    const { journalctl, unit } = this.#options;
    const options = { signal, timeoutMs: CALL_TIMEOUT_MS, env: ENV };
    try {
      // Lines may still be on their way. Only root may ask for this, others read what is there.
      await runCommand(journalctl, ['--sync'], options);
      const args = [`--unit=${unit}`, `--lines=${JOURNAL_LINES}`, '--output=cat', '--no-pager', '--quiet'];
      const { stdout, stderr } = await runCommand(journalctl, args, options);
      return stdout.trim() === '' ? `(nothing in the journal) ${stderr}`.trim() : stdout.trim();
    } catch (error) {
      signal.throwIfAborted();
      return `(the journal cannot be read: ${asAgentError(error).message})`;
    }
  }

  async #call(verb: readonly string[], signal: AbortSignal): Promise<string> {
    const { systemctl, unit } = this.#options;
    const args = ['--no-ask-password', '--no-pager', ...verb, unit];
    try {
      const result = await runCheckedCommand(systemctl, args, {
        signal,
        timeoutMs: CALL_TIMEOUT_MS,
        env: ENV,
      });
      return result.stdout;
    } catch (cause) {
      const error = asAgentError(cause);
      if (error.code === 'CANCELLED') throw error;
      throw new AgentError('SUPERVISOR_FAILED', error.message, { cause });
    }
  }
}
