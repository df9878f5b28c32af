import { basename, isAbsolute } from 'node:path';
import { showUnit } from '../discovery/show-unit.ts';
import { etcdVersion } from '../restore-tool/etcd-version.ts';

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

/**
 * The version of the etcd that a start will run, which after an upgrade of the package is not the one that runs now: of the
 * named binary, else of the unit's or the command's program, else the running member's own word, else of the etcd on
 * PATH. A program that is not called `etcd` is a wrapper, and is not run to be asked. `undefined` where nobody can tell.
 */
export async function versionToRun(
  launch: EtcdLaunch,
  running: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { searchPath } = launch;
  const path = launch.etcdPath ?? (await programOf(launch, signal));
  if (path !== undefined) {
    const version = await ask({ etcdPath: path, searchPath }, signal);
    if (version !== undefined) return version;
  }
  return running ?? (await ask({ searchPath }, signal));
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
