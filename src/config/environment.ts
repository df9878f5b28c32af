import type { CrashWish } from '../base/crash-point.ts';

/** What the agent takes from its environment. Everything else is in the configuration file. */
export interface Environment {
  /** Where programs without an absolute path are looked up. */
  readonly path: string;
  /** LIFEBOAT_CONFIG: the configuration file, where no `--config` says. */
  readonly configFile?: string;
  /** systemd's socket for notifications; absent when nobody listens. */
  readonly notifySocket?: string;
  /** Within this many microseconds systemd wants to hear from us; absent without a watchdog. */
  readonly watchdogUsec?: number;
  /** LIFEBOAT_CRASH_AT, _SIGNAL and _LIST: for tests of what a crash leaves, see CONTRIBUTING.md. */
  readonly crash?: CrashWish;
}

/**
 * Reads the environment, and removes systemd's variables from it as sd_notify(3) does on request: an etcd that
 * inherited NOTIFY_SOCKET would report itself ready in the agent's name.
 */
export function takeEnvironment(
  variables: NodeJS.ProcessEnv = process.env,
  pid: number = process.pid,
): Environment {
  const notifySocket = variables['NOTIFY_SOCKET'];
  const configFile = variables['LIFEBOAT_CONFIG'];
  const watchdogUsec = watchdogOf(variables, pid);
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'])
    Reflect.deleteProperty(variables, name);
  return {
    path: variables['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    ...(isGiven(configFile) ? { configFile } : {}),
    ...(isGiven(notifySocket) ? { notifySocket } : {}),
    ...(watchdogUsec === undefined ? {} : { watchdogUsec }),
    ...crashOf(variables),
  };
}

/** As sd_watchdog_enabled(3) reads it: a WATCHDOG_PID of another process means that it is not for us. */
function watchdogOf(variables: NodeJS.ProcessEnv, pid: number): number | undefined {
  const forPid = variables['WATCHDOG_PID'];
  if (isGiven(forPid) && Number(forPid) !== pid) return undefined;
  const usec = Number(variables['WATCHDOG_USEC']);
  return Number.isSafeInteger(usec) && usec > 0 ? usec : undefined;
}

function crashOf(variables: NodeJS.ProcessEnv): Pick<Environment, 'crash'> {
  const { LIFEBOAT_CRASH_AT: at, LIFEBOAT_CRASH_SIGNAL: signal, LIFEBOAT_CRASH_LIST: listFile } = variables;
  if (!isGiven(at) && !isGiven(listFile)) return {};
  return {
    crash: {
      ...(isGiven(at) ? { at } : {}),
      ...(isGiven(signal) ? { signal } : {}),
      ...(isGiven(listFile) ? { listFile } : {}),
    },
  };
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
