import { readFile, readlink, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, systemCodeOf } from '../base/agent-error.ts';
import { commandLineOf } from '../supervisor/open-files.ts';
import { processIds } from '../supervisor/process-ids.ts';

/** What /proc says of an etcd process. What this user may not read is `undefined`, and named in `unread`. */
export interface EtcdProcess {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly uid: number;
  readonly gid: number;
  readonly environment: Readonly<Record<string, string>> | undefined;
  readonly workingDirectory: string | undefined;
  readonly program: string | undefined;
  /** The service that the process belongs to by its control group, and whether a user's own manager runs it. */
  readonly unit: { readonly name: string; readonly ofUser: boolean } | undefined;
  /** Its root is another one: it runs in a container, and its paths are paths in there. */
  readonly contained: boolean;
  /** `environ (EACCES)` and the like. */
  readonly unread: readonly string[];
}

/** The ids of the processes that are an etcd, by the name of their program. Gateways and proxies are not. */
export async function listEtcds(): Promise<number[]> {
  const pids: number[] = [];
  for (const pid of await processIds()) {
    if (await isEtcd(pid)) pids.push(pid);
  }
  return pids.sort((left, right) => left - right);
}

async function isEtcd(pid: number): Promise<boolean> {
  const [program = '', first = ''] = await commandLineOf(pid);
  return basename(program) === 'etcd' && !['gateway', 'grpc-proxy'].includes(first);
}

/** `undefined` when there is no such process. */
export async function readEtcdProcess(pid: number): Promise<EtcdProcess | undefined> {
  const argv = await commandLineOf(pid);
  if (argv.length === 0) return undefined;
  const unread: string[] = [];
  const look = async <T>(name: string, read: (path: string) => Promise<T>): Promise<T | undefined> => {
    try {
      return await read(`/proc/${pid}/${name}`);
    } catch (error) {
      unread.push(`${name} (${systemCodeOf(error) ?? messageOf(error)})`);
      return undefined;
    }
  };
  const environment = await look('environ', async (path) => variablesIn(await readFile(path, 'utf8')));
  const workingDirectory = await look('cwd', (path) => readlink(path));
  const program = await look('exe', (path) => readlink(path));
  const root = await look('root', rootIdentity);
  const status = (await look('status', (path) => readFile(path, 'utf8'))) ?? '';
  const cgroups = (await look('cgroup', (path) => readFile(path, 'utf8'))) ?? '';
  return {
    pid,
    argv,
    uid: idIn(status, 'Uid'),
    gid: idIn(status, 'Gid'),
    environment,
    workingDirectory,
    program,
    unit: unitOf(cgroups),
    contained: root !== undefined && root !== (await rootIdentity('/')),
    unread,
  };
}

async function rootIdentity(path: string): Promise<string> {
  const { dev, ino } = await stat(`${path}/`);
  return `${dev}:${ino}`;
}

function variablesIn(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\0').flatMap((entry) => {
      const equals = entry.indexOf('=');
      return equals < 1 ? [] : [[entry.slice(0, equals), entry.slice(equals + 1)]];
    }),
  );
}

/** The effective id, which is the second of four. */
function idIn(status: string, name: 'Uid' | 'Gid'): number {
  return Number(new RegExp(`^${name}:\\s+\\d+\\s+(\\d+)`, 'm').exec(status)?.[1] ?? NaN);
}

/**
 * The innermost service in the paths of /proc/PID/cgroup: systemd's own tree in either layout. `user@1000.service/…` is
 * a user's manager, and the service below it is that manager's.
 */
export function unitOf(cgroups: string): EtcdProcess['unit'] {
  for (const line of cgroups.split('\n')) {
    const path = /^(?:0::|\d+:name=systemd:)(\/.*)$/.exec(line)?.[1] ?? '';
    const services = path.split('/').filter((part) => part.endsWith('.service'));
    const name = services.at(-1);
    if (name === undefined) continue;
    const ofUser = services.some((service) => /^user@\d+\.service$/.test(service));
    if (ofUser && services.length === 1) continue;
    return { name: name.replace(/^_/, ''), ofUser };
  }
  return undefined;
}
