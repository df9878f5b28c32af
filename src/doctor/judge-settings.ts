import { posix } from 'node:path';
import type { Config } from '../config/config-schema.ts';
import type { FoundEtcd } from '../discovery/find-etcd.ts';
import { fail, ok, warn, type Check } from './check.ts';

type Settings = FoundEtcd['settings'];

/** Whether the section `etcd` of the configuration is what the running process works by: a restore is built from it. */
export function judgeSettings(
  etcd: Config['etcd'],
  found: Pick<FoundEtcd, 'pid' | 'settings' | 'unknown'>,
): Check {
  const id = 'etcd.settings';
  const differences = differencesOf(etcd, found.settings);
  const process = `process ${found.pid ?? '?'}`;
  if (differences.length > 0) {
    return fail(
      id,
      `${process} works by other settings: ${differences.join('; ')}`,
      'Correct the section `etcd`; `lifeboat config init` shows what it should say.',
    );
  }
  if (found.unknown.length > 0) {
    return warn(
      id,
      `${process} fits as far as it can be seen: ${found.unknown.join('; ')}`,
      'Run `lifeboat doctor` as root.',
    );
  }
  return ok(id, `memberName, peerUrls, dataDir, walDir and endpoint are those of ${process}`);
}

function differencesOf(etcd: Config['etcd'], settings: Settings): string[] {
  return [
    differ('memberName', etcd.memberName, settings.name),
    differ('dataDir', etcd.dataDir, settings.dataDir ?? etcd.dataDir),
    differ('walDir', etcd.walDir, walDirOf(settings)),
    differ('peerUrls', [...etcd.peerUrls].sort().join(', '), [...settings.peerUrls].sort().join(', ')),
    endpointDifference(etcd.endpoint, settings.listenClientUrls),
  ].flatMap((difference) => difference ?? []);
}

/** etcd takes a WAL directory that is its usual one for what it is: none of its own. */
function walDirOf({ walDir, dataDir }: Settings): string | undefined {
  return walDir !== undefined && walDir === posix.join(dataDir ?? '', 'member', 'wal') ? undefined : walDir;
}

function differ(key: string, ours: string | undefined, theirs: string | undefined): string | undefined {
  if (ours === theirs) return undefined;
  return `etcd.${key} is ${ours ?? 'not set'}, and etcd has ${theirs ?? 'none'}`;
}

/** Hosts have many names, so the port decides; a socket is known by its path. */
function endpointDifference(endpoint: string, listenUrls: readonly string[]): string | undefined {
  const wanted = doorOf(endpoint);
  if (listenUrls.some((url) => doorOf(url) === wanted)) return undefined;
  return `etcd.endpoint is ${endpoint}, and etcd listens on ${listenUrls.join(', ')}`;
}

function doorOf(url: string): string {
  const [, scheme = '', rest = ''] = /^(\w+):\/\/(.*)$/.exec(url) ?? [];
  if (scheme.startsWith('unix')) return `unix ${posix.basename(rest)}`;
  return `${scheme} ${/:(\d+)\/?$/.exec(rest)?.[1] ?? ''}`;
}
