import { basename, isAbsolute } from 'node:path';
import { showUnit } from '../discovery/show-unit.ts';
import { etcdVersion } from '../restore-tool/etcd-version.ts';
import { programsIn } from '../restore-tool/find-tools.ts';

/** What the configuration tells of how etcd is started here. */
export interface EtcdLaunch {
  /** The binary that the operator named. */
  readonly etcdPath?: string;
  /** The systemd unit that runs etcd. */
  readonly unit?: { readonly name: string; readonly systemctl: string };
  /** The program of a command of the agent's own. */
  readonly program?: string;
  /** Directories as in PATH. */
  readonly searchPath: string;
}

/** What is known of the etcd that a start will run. */
export interface EtcdToRun {
  readonly version?: string;
  /** Its program, or one on PATH of the same minor release, which a drill can run beside it. */
  readonly path?: string;
}

/**
 * The etcd that a start will run, which after an upgrade of the package is not the one that runs now: the named binary,
 * else the unit's or the command's program, else by the running member's own word, else the etcd on PATH. A program that
 * is not called `etcd` is a wrapper, and is not run to be asked. Empty where nobody can tell.
 */
export async function etcdToRun(
  launch: EtcdLaunch,
  running: string | undefined,
  signal: AbortSignal,
): Promise<EtcdToRun> {
  const { searchPath } = launch;
  const named = launch.etcdPath ?? (await programOf(launch, signal));
  const version = named === undefined ? undefined : await ask({ etcdPath: named, searchPath }, signal);
  if (named !== undefined && version !== undefined) return { version, path: named };
  const found = await etcdOnPath(searchPath, signal);
  if (running === undefined) return found;
  // An etcd of another release proves nothing about the one that runs.
  const isAlike = found.version !== undefined && minorOf(found.version) === minorOf(running);
  return { version: running, ...(isAlike && found.path !== undefined ? { path: found.path } : {}) };
}

async function etcdOnPath(searchPath: string, signal: AbortSignal): Promise<EtcdToRun> {
  const [path] = await programsIn(searchPath, ['etcd']);
  if (path === undefined) return {};
  const version = await ask({ etcdPath: path, searchPath }, signal);
  return version === undefined ? {} : { version, path };
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

async function programOf({ unit, program }: EtcdLaunch, signal: AbortSignal): Promise<string | undefined> {
  const named = unit === undefined ? program : await programOfUnit(unit, signal);
  return named !== undefined && isAbsolute(named) && basename(named) === 'etcd' ? named : undefined;
}

async function programOfUnit(
  unit: NonNullable<EtcdLaunch['unit']>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await showUnit(unit.name, unit.systemctl, signal)).argv[0];
  } catch {
    signal.throwIfAborted();
    // That systemd cannot be asked is said by the supervisor's own check.
    return undefined;
  }
}

async function ask(
  search: { readonly etcdPath?: string; readonly searchPath: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return await etcdVersion(search, signal);
  } catch {
    signal.throwIfAborted();
    // The plan says that it is unknown.
    return undefined;
  }
}
