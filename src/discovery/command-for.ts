import { resolve } from 'node:path/posix';
import type { FoundEtcd } from './find-etcd.ts';
import { readFlags, variableOf } from './launch.ts';

/**
 * A command that starts the same etcd from anywhere: the program by its absolute path, the flags that it had, the
 * settings of its environment as flags, relative paths made absolute.
 */
export function commandFor({ launch, program, settings, configFile }: FoundEtcd): string[] {
  const { argv, environment, workingDirectory } = launch;
  const path = program ?? argv[0] ?? 'etcd';
  if (configFile !== undefined) return [path, `--config-file=${configFile}`];
  const flags = readFlags(argv);
  const given = Object.entries(environment)
    .filter(([name, value]) => /^ETCD_[A-Z0-9_]+$/.test(name) && value !== '')
    .map(([name, value]) => [name.slice('ETCD_'.length).toLowerCase().replaceAll('_', '-'), value] as const)
    .filter(([flag]) => !flags.has(flag) && !NO_FLAGS.has(variableOf(flag)));
  const hasDataDir = flags.has('data-dir') || environment['ETCD_DATA_DIR'] !== undefined;
  if (isSelfContained(flags) && given.length === 0 && hasDataDir) return [path, ...argv.slice(1)];
  const all = new Map([...flags, ...given]);
  if (settings.dataDir !== undefined) all.set('data-dir', settings.dataDir);
  return [path, ...[...all].map(([flag, value]) => `--${flag}=${absolute(flag, value, workingDirectory)}`)];
}

/** Set for etcd by its packages, its tools and its images; no flags of it. */
const NO_FLAGS: ReadonlySet<string> = new Set(['ETCD_CONFIG_FILE', 'ETCD_UNSUPPORTED_ARCH', 'ETCD_VER']);

const PATHS = /^(data-dir|wal-dir|.*-file)$/;

function isSelfContained(flags: ReadonlyMap<string, string>): boolean {
  return [...flags].every(([flag, value]) => !PATHS.test(flag) || value.startsWith('/'));
}

function absolute(flag: string, value: string, workingDirectory: string | undefined): string {
  if (!PATHS.test(flag) || value === '' || workingDirectory === undefined) return value;
  return resolve(workingDirectory, value);
}
