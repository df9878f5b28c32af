import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { resolve } from 'node:path/posix';
import { AgentError, asAgentError, messageOf } from '../base/agent-error.ts';
import { commandLineOf } from '../supervisor/open-files.ts';
import { listEtcds, readEtcdProcess, type EtcdProcess } from './etcd-processes.ts';
import { settingsOf, type EtcdSettings } from './etcd-settings.ts';
import { configFileOf, type EtcdLaunch } from './launch.ts';
import { showUnit } from './show-unit.ts';
import { nameOfGroup, nameOfUser } from './user-names.ts';
import { expandVariables, parseEnvironmentFile, type UnitLaunch } from './unit-launch.ts';

export interface DiscoveryOptions {
  /** Reads YAML. Throws an `AgentError` for a text that is none. */
  readonly parseYaml: (text: string, path: string) => unknown;
  /** The program, by name or path. */
  readonly systemctl: string;
  readonly signal: AbortSignal;
}

/** Which etcd: the only one, unless said otherwise. */
export interface EtcdTarget {
  readonly pid?: number;
  /** With or without `.service`. */
  readonly unit?: string;
}

/** An etcd of this host, and what it works by. */
export interface FoundEtcd {
  /** Absent when only its unit was read. */
  readonly pid: number | undefined;
  /** The system's unit that stops and starts it. */
  readonly unit: string | undefined;
  readonly program: string | undefined;
  /** `user:group` by name. */
  readonly owner: string | undefined;
  readonly launch: EtcdLaunch;
  readonly configFile: string | undefined;
  readonly settings: EtcdSettings;
  /** What was found where, one sentence each. */
  readonly found: readonly string[];
  /** What could not be known, and why, one sentence each. */
  readonly unknown: readonly string[];
}

/**
 * Finds the etcd of this host, running or not, and reads what it works by. Looks only.
 *
 * @throws {AgentError} `ETCD_NOT_FOUND`; `ETCD_AMBIGUOUS` with all that run; `FILE_UNREADABLE` for its configuration file;
 *   `SUPERVISOR_FAILED` when systemd cannot be asked about the unit that was named; `CANCELLED`.
 */
export async function findEtcd(target: EtcdTarget, options: DiscoveryOptions): Promise<FoundEtcd> {
  if (target.pid !== undefined) return await runningEtcd(target.pid, options);
  if (target.unit !== undefined) return await etcdOfUnit(fullName(target.unit), options);
  const [only, ...others] = await listEtcds();
  if (only === undefined) return await packagedUnit(options);
  if (others.length > 0) throw await ambiguous([only, ...others]);
  return await runningEtcd(only, options);
}

/** What a running etcd works by. @throws {AgentError} as `findEtcd`. */
export async function runningEtcd(pid: number, options: DiscoveryOptions): Promise<FoundEtcd> {
  const seen = await requireEtcd(pid);
  const found = [`process ${pid}: ${seen.argv.join(' ')}`];
  const unknown: string[] = [];
  const unit = await unitOfProcess(seen, options, unknown);
  if (unit !== undefined) found.push(`process ${pid} belongs to ${unit.name}`);
  const launch = await launchOf(seen, unit?.launch, unknown);
  if (seen.contained) {
    unknown.push(`process ${pid} runs in a container: paths are those in there, and nothing here starts it`);
  }
  return await complete(
    { pid, unit: unit?.name, program: programOf(seen, unknown), owner: await ownerOf(seen), launch },
    { found, unknown },
    options,
  );
}

async function requireEtcd(pid: number): Promise<EtcdProcess> {
  const seen = await readEtcdProcess(pid);
  if (seen === undefined) throw new AgentError('ETCD_NOT_FOUND', `there is no process ${pid}`);
  const [program = ''] = seen.argv;
  if (basename(program) === 'etcd') return seen;
  throw new AgentError('ETCD_NOT_FOUND', `process ${pid} is ${program}, not etcd`);
}

/** What this user may not read of the process is taken from its unit. */
async function launchOf(
  seen: EtcdProcess,
  unit: UnitLaunch | undefined,
  unknown: string[],
): Promise<EtcdLaunch> {
  return {
    argv: seen.argv,
    environment: seen.environment ?? (await environmentInstead(seen, unit, unknown)),
    workingDirectory: seen.workingDirectory ?? unit?.workingDirectory,
  };
}

/** @throws {AgentError} `ETCD_NOT_FOUND` when there is no such unit, or it starts something else. */
async function etcdOfUnit(name: string, options: DiscoveryOptions): Promise<FoundEtcd> {
  const unit = await showUnit(name, options.systemctl, options.signal);
  if (unit.loadState !== 'loaded') {
    throw new AgentError('ETCD_NOT_FOUND', `systemd says that ${name} is ${unit.loadState || 'not there'}`);
  }
  if (unit.mainPid > 0 && basename((await commandLineOf(unit.mainPid))[0] ?? '') === 'etcd') {
    return await runningEtcd(unit.mainPid, options);
  }
  const unknown: string[] = [];
  const environment = await environmentOf(unit, unknown);
  const launch = {
    argv: expandVariables(unit.argv, environment),
    environment,
    workingDirectory: unit.workingDirectory === '' ? '/' : unit.workingDirectory,
  };
  const [program = ''] = launch.argv;
  if (basename(program) !== 'etcd') {
    throw new AgentError('ETCD_NOT_FOUND', `${name} does not run, and starts ${program}, not etcd`);
  }
  const found = [`${name} does not run now; it would run: ${launch.argv.join(' ')}`];
  const etcd = { pid: undefined, unit: name, program, owner: ownerIn(unit), launch };
  return await complete(etcd, { found, unknown }, options);
}

/** Without `Group=` it is the user's own, which is mostly called like the user. */
function ownerIn({ user, group }: UnitLaunch): string | undefined {
  return user === '' ? undefined : `${user}:${group === '' ? user : group}`;
}

/** Nothing runs: perhaps the unit that packages install is there. */
async function packagedUnit(options: DiscoveryOptions): Promise<FoundEtcd> {
  try {
    return await etcdOfUnit('etcd.service', options);
  } catch (cause) {
    const { code, message } = asAgentError(cause);
    if (code !== 'ETCD_NOT_FOUND' && code !== 'SUPERVISOR_FAILED') throw cause;
    throw new AgentError('ETCD_NOT_FOUND', `no etcd runs on this host, and ${message}`, { cause });
  }
}

async function ambiguous(pids: readonly number[]): Promise<AgentError> {
  const lines: string[] = [];
  for (const pid of pids) {
    const seen = await readEtcdProcess(pid);
    if (seen === undefined) continue;
    const unit = seen.unit === undefined ? '' : `, ${seen.unit.name}`;
    const where = seen.contained ? ', in a container' : '';
    lines.push(`  process ${pid}${unit}${where}: ${seen.argv.join(' ')}`);
  }
  return new AgentError('ETCD_AMBIGUOUS', `${lines.length} etcds run on this host:\n${lines.join('\n')}`, {
    details: { pids: pids.map(String) },
  });
}

async function unitOfProcess(
  { pid, unit, contained }: EtcdProcess,
  { systemctl, signal }: DiscoveryOptions,
  unknown: string[],
): Promise<{ name: string; launch: UnitLaunch } | undefined> {
  if (unit === undefined || contained) return undefined;
  const isOurs = /^(etcd-)?lifeboat/.test(unit.name);
  if (isOurs) {
    unknown.push(`process ${pid} was started by ${unit.name}, an agent`);
    return undefined;
  }
  try {
    const launch = await showUnit(unit.name, systemctl, signal);
    if (launch.mainPid === pid) return { name: unit.name, launch };
    const main = launch.mainPid === 0 ? 'nothing' : `process ${launch.mainPid}`;
    unknown.push(
      `process ${pid} is in the control group of ${unit.name}, but systemd runs ${main} as that unit${unit.ofUser ? ': a user’s own manager runs it' : ''}`,
    );
  } catch (error) {
    signal.throwIfAborted();
    unknown.push(`whether ${unit.name} runs process ${pid}: ${messageOf(error)}`);
  }
  return undefined;
}

/** Another user's variables are closed to us; what its unit gives it is mostly not. */
async function environmentInstead(
  { pid, unread }: EtcdProcess,
  unit: UnitLaunch | undefined,
  unknown: string[],
): Promise<Readonly<Record<string, string>>> {
  const closed = unread.find((word) => word.startsWith('environ'));
  const why = `/proc/${pid}/${closed ?? 'environ'} cannot be read by this user`;
  if (unit === undefined) {
    unknown.push(`${why}: settings that etcd has from its environment are not known. Run this as root`);
    return {};
  }
  unknown.push(`${why}: its environment is taken from its unit`);
  return await environmentOf(unit, unknown);
}

/** What `Environment=` and then `EnvironmentFile=` set; the later wins. */
async function environmentOf(unit: UnitLaunch, unknown: string[]): Promise<Readonly<Record<string, string>>> {
  let variables = unit.environment;
  for (const { path, optional } of unit.environmentFiles) {
    try {
      variables = { ...variables, ...parseEnvironmentFile(await readFile(path, 'utf8')) };
    } catch (error) {
      if (!optional || !messageOf(error).includes('ENOENT')) unknown.push(`${path}: ${messageOf(error)}`);
    }
  }
  return variables;
}

function programOf({ program, argv, pid }: EtcdProcess, unknown: string[]): string | undefined {
  if (program?.endsWith(' (deleted)') === true) {
    unknown.push(`the program of process ${pid} was replaced since it started`);
    return program.slice(0, -' (deleted)'.length);
  }
  const [named] = argv;
  return program ?? (named?.startsWith('/') === true ? named : undefined);
}

async function ownerOf({ uid, gid }: EtcdProcess): Promise<string | undefined> {
  const [user, group] = [await nameOfUser(uid), await nameOfGroup(gid)];
  return user === undefined || group === undefined ? undefined : `${user}:${group}`;
}

type Incomplete = Pick<FoundEtcd, 'pid' | 'unit' | 'program' | 'owner' | 'launch'>;

/** Reads the configuration file, if that is how it is told, and makes the settings of it all. */
async function complete(
  etcd: Incomplete,
  notes: { readonly found: string[]; readonly unknown: string[] },
  { parseYaml }: DiscoveryOptions,
): Promise<FoundEtcd> {
  const named = configFileOf(etcd.launch);
  if (named === undefined)
    return { ...etcd, ...notes, configFile: undefined, settings: settingsOf(etcd.launch) };
  const path = resolve(etcd.launch.workingDirectory ?? '/', named);
  const launch = { ...etcd.launch, configFile: parseYaml(await readText(path), path) };
  notes.found.push(`${path}: the configuration file, for which etcd ignores all flags and variables`);
  return { ...etcd, ...notes, launch, configFile: path, settings: settingsOf(launch) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `etcd's configuration file: ${messageOf(cause)}`, { cause });
  }
}

function fullName(unit: string): string {
  return unit.endsWith('.service') ? unit : `${unit}.service`;
}
