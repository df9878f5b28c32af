import { setTimeout as sleep } from 'node:timers/promises';
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
/** etcd says what is wrong with a flag first, and two dozen lines about all others after it. */
const JOURNAL_LINES = 40;
const JOURNAL_LOOKS = 15;
const JOURNAL_WAIT_MS = 200;
/** systemd's own lines come first: that nothing more comes must show more than once. */
const JOURNAL_LOOKS_ALIKE = 4;
const ENV = { TZ: 'UTC', LC_ALL: 'C', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' };

/** systemd's words for what polkit, or the want of it, does not allow. */
const FORBIDDEN = /Interactive authentication required|Access denied/;
/** A job that somebody else queued is in the way, or systemd unloaded a unit that is down and has nothing to forget. */
const NOTHING_TO_DO = /is destructive|not loaded/;

/**
 * One unit, through systemctl(1). Every call throws `SUPERVISOR_FAILED` when systemd refuses it or cannot be asked, and
 * `SUPERVISOR_FORBIDDEN` when this user may not.
 */
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
    await this.#callIfNeeded(['reset-failed'], signal);
  }

  /**
   * Whether this user may start and stop the unit: asked by a stop of a unit that is down, which leaves it as it is, also
   * when it failed or is about to be started; where it is up, by `reset-failed`, which only sets its counters to zero.
   */
  async requireRights(isDown: boolean, signal: AbortSignal): Promise<void> {
    await this.#callIfNeeded(isDown ? ['stop', '--no-block', '--job-mode=fail'] : ['reset-failed'], signal);
  }

  /** The unit's last lines in the journal; a sentence about why not where they cannot be read. */
  async lastLines(signal: AbortSignal): Promise<string> {
    const { journalctl } = this.#options;
    try {
      // Lines may still be on their way. Only root may ask for this; others look again until nothing more comes.
      await runCommand(journalctl, ['--sync'], { signal, timeoutMs: CALL_TIMEOUT_MS, env: ENV });
      let lines = await this.#readJournal(signal);
      let alike = 1;
      for (let look = 1; look < JOURNAL_LOOKS && alike < JOURNAL_LOOKS_ALIKE; look += 1) {
        await sleep(JOURNAL_WAIT_MS, undefined, { signal });
        const before = lines;
        lines = await this.#readJournal(signal);
        alike = lines !== '' && lines === before ? alike + 1 : 1;
      }
      return lines === '' ? '(nothing in the journal)' : lines;
    } catch (error) {
      signal.throwIfAborted();
      return `(the journal cannot be read: ${asAgentError(error).message})`;
    }
  }

  async #readJournal(signal: AbortSignal): Promise<string> {
    const { journalctl, unit } = this.#options;
    const args = [`--unit=${unit}`, `--lines=${JOURNAL_LINES}`, '--output=cat', '--no-pager', '--quiet'];
    const options = { signal, timeoutMs: CALL_TIMEOUT_MS, env: ENV };
    const { stdout, stderr } = await runCommand(journalctl, args, options);
    return stdout.trim() === '' && stderr.trim() !== ''
      ? `(nothing in the journal) ${stderr.trim()}`
      : stdout.trim();
  }

  async #callIfNeeded(verb: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      await this.#call(verb, signal);
    } catch (error) {
      if (!(error instanceof AgentError) || !NOTHING_TO_DO.test(error.message)) throw error;
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
      const code = FORBIDDEN.test(error.message) ? 'SUPERVISOR_FORBIDDEN' : 'SUPERVISOR_FAILED';
      throw new AgentError(code, error.message, { cause });
    }
  }
}
