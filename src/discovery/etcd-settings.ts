import { resolve } from 'node:path/posix';
import { configFileOf, readFlags, variableOf, type EtcdLaunch } from './launch.ts';

/** Where etcd has a setting from. */
export type SettingSource = 'flag' | 'environment' | 'config file' | 'default';

/** What an etcd works by: the part that an agent must know. Paths are absolute where they can be known. */
export interface EtcdSettings {
  readonly name: string;
  readonly dataDir: string | undefined;
  readonly walDir: string | undefined;
  readonly listenClientUrls: readonly string[];
  readonly peerUrls: readonly string[];
  /** By member name; empty where etcd was told of another way to find its cluster. */
  readonly initialCluster: readonly { readonly name: string; readonly url: string }[];
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly trustedCaFile: string | undefined;
  readonly clientCertAuth: boolean;
  readonly autoTls: boolean;
  /** Of name, data dir and URLs, by the name of the flag. */
  readonly sources: Readonly<Record<string, SettingSource>>;
}

type Look = (name: string) => { readonly value: string; readonly source: SettingSource } | undefined;

/** Keys that a configuration file keeps in a group of its own (etcd: embed/config.go, `securityConfig`). */
const CLIENT_SECURITY: ReadonlySet<string> = new Set([
  'cert-file',
  'key-file',
  'client-cert-auth',
  'trusted-ca-file',
  'auto-tls',
]);

/**
 * What etcd makes of how it was started. A configuration file counts alone; otherwise a flag goes before its variable,
 * and an empty variable is none. (etcd: server/etcdmain/config.go, server/embed/config.go)
 */
export function settingsOf(launch: EtcdLaunch): EtcdSettings {
  const look = configFileOf(launch) === undefined ? fromCommand(launch) : fromFile(launch.configFile);
  const sources: Record<string, SettingSource> = {};
  const take = (name: string, fallback: string): string => {
    const found = look(name);
    sources[name] = found?.source ?? 'default';
    return found?.value ?? fallback;
  };
  const path = (value: string | undefined): string | undefined => absolute(value, launch.workingDirectory);
  const name = take('name', 'default');
  const peerUrls = urlsOf(take('initial-advertise-peer-urls', 'http://localhost:2380'));
  return {
    name,
    dataDir: path(take('data-dir', `${name}.etcd`)),
    walDir: path(look('wal-dir')?.value),
    listenClientUrls: urlsOf(take('listen-client-urls', 'http://localhost:2379')),
    peerUrls,
    initialCluster: clusterOf(take('initial-cluster', ''), { name, peerUrls, look }),
    certFile: path(look('cert-file')?.value),
    keyFile: path(look('key-file')?.value),
    trustedCaFile: path(look('trusted-ca-file')?.value),
    clientCertAuth: look('client-cert-auth')?.value === 'true',
    autoTls: look('auto-tls')?.value === 'true',
    sources,
  };
}

function fromCommand({ argv, environment }: EtcdLaunch): Look {
  const flags = readFlags(argv);
  return (name) => {
    const flag = flags.get(name);
    if (flag !== undefined) return { value: flag, source: 'flag' };
    const variable = environment[variableOf(name)];
    return variable === undefined || variable === '' ? undefined : { value: variable, source: 'environment' };
  };
}

function fromFile(content: unknown): Look {
  const top = groupOf(content);
  const security = groupOf(top['client-transport-security']);
  return (name) => {
    const value = (CLIENT_SECURITY.has(name) ? security : top)[name];
    const isPlain = typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number';
    return isPlain && value !== '' ? { value: String(value), source: 'config file' } : undefined;
  };
}

function groupOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function absolute(path: string | undefined, workingDirectory: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  if (path.startsWith('/')) return resolve(path);
  return workingDirectory === undefined ? undefined : resolve(workingDirectory, path);
}

function urlsOf(list: string): string[] {
  return list
    .split(',')
    .map((url) => url.trim().replace(/\/$/, ''))
    .filter((url) => url !== '');
}

interface Member {
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly look: Look;
}

function clusterOf(list: string, { name, peerUrls, look }: Member): EtcdSettings['initialCluster'] {
  if (list !== '') {
    return urlsOf(list).flatMap((pair) => {
      const equals = pair.indexOf('=');
      return equals < 1 ? [] : [{ name: pair.slice(0, equals), url: pair.slice(equals + 1) }];
    });
  }
  if (look('discovery') !== undefined || look('discovery-srv') !== undefined) return [];
  return peerUrls.map((url) => ({ name, url }));
}
