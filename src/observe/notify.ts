import type { Clock } from '../base/clock.ts';
import { runCheckedCommand } from '../base/run-command.ts';
import type { Log } from './log.ts';

interface NotifierOptions {
  /** systemd's datagram socket. Without it every call does nothing. */
  readonly notifySocket?: string;
  /** Within this many microseconds systemd wants to hear a ping; without it there is none. */
  readonly watchdogUsec?: number;
  /** Asked before each ping. While it says no, rejects or does not answer, none is sent, and systemd restarts the agent. */
  readonly isAlive: () => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
  /** The systemd-notify program. */
  readonly program?: string;
}

/**
 * What the agent tells systemd (sd_notify(3)), through the `systemd-notify` program: Node cannot send to a datagram
 * socket. The unit therefore needs `NotifyAccess=all`.
 */
export interface Notifier {
  /**
   * The agent serves. Pings begin.
   *
   * @throws {AgentError} `COMMAND_NOT_FOUND`, `COMMAND_FAILED` or `TIMED_OUT`: systemd would give up the unit anyway.
   */
  ready(): Promise<void>;
  /** One line for `systemctl status`. A failure is logged: the line is not worth more. */
  status(text: string): Promise<void>;
  /** The agent is going down in order. Pings go on until `close`. */
  stopping(): Promise<void>;
  /** Ends the pings. */
  close(): Promise<void>;
}

const COMMAND_TIMEOUT_MS = 10_000;
const MAX_STATUS_CHARS = 200;
const TRIES_BEFORE_THE_END = 6;

export function createNotifier(options: NotifierOptions): Notifier {
  const { log, notifySocket, watchdogUsec } = options;
  if (notifySocket === undefined) {
    const nothing = (): Promise<void> => Promise.resolve();
    return { ready: nothing, status: nothing, stopping: nothing, close: nothing };
  }
  const closing = new AbortController();
  let pinging: Promise<void> = Promise.resolve();
  const send = async (...assignments: string[]): Promise<void> => {
    await runCheckedCommand(options.program ?? 'systemd-notify', assignments, {
      signal: closing.signal,
      timeoutMs: COMMAND_TIMEOUT_MS,
      env: { NOTIFY_SOCKET: notifySocket },
    });
  };
  const tell = async (assignment: string): Promise<void> => {
    try {
      await send(assignment);
    } catch (error) {
      log.warn({ err: error }, 'systemd could not be told');
    }
  };
  return {
    ready: async () => {
      await send('READY=1');
      if (watchdogUsec !== undefined) pinging = pingUntil(closing.signal, watchdogUsec / 2000, options, send);
    },
    status: (text) => tell(`STATUS=${oneLine(text)}`),
    stopping: () => tell('STOPPING=1'),
    close: async () => {
      closing.abort();
      await pinging;
    },
  };
}

/**
 * Every `everyMs`, half of what systemd allows, while the agent is alive; sooner while it is not, so that one that recovers
 * is heard in time. Resolves when `signal` aborts.
 */
async function pingUntil(
  signal: AbortSignal,
  everyMs: number,
  { clock, isAlive, log }: NotifierOptions,
  send: (assignment: string) => Promise<void>,
): Promise<void> {
  // An answer that never comes must keep systemd waiting, but not `close`.
  const closed = new Promise<false>((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve(false);
      },
      { once: true },
    );
  });
  for (;;) {
    const pinged = await pingOnce(signal, () => Promise.race([isAlive(), closed]), log, send);
    try {
      await clock.sleep(pinged ? everyMs : everyMs / TRIES_BEFORE_THE_END, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }
}

async function pingOnce(
  signal: AbortSignal,
  isAlive: () => Promise<boolean>,
  log: Log,
  send: (assignment: string) => Promise<void>,
): Promise<boolean> {
  try {
    if (await isAlive()) {
      await send('WATCHDOG=1');
      return true;
    }
    if (!signal.aborted) log.warn({}, 'the agent does not seem alive: systemd is not pinged');
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error }, 'systemd is not pinged, and will restart the agent');
  }
  return false;
}

/** A line end would begin another assignment. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, MAX_STATUS_CHARS);
}
