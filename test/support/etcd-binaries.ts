import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where test/support/prepare.mjs unpacks Debian's packages when the system has no etcd. */
const CACHE = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'etcd-lifeboat',
  'etcd-debian',
  'usr',
  'bin',
);

/**
 * The absolute path of `etcd`, `etcdctl` or `etcdutl`: from the directory LIFEBOAT_ETCD_BIN, else from PATH,
 * else from the cache. `undefined` when there is none (Debian's 3.4 has no etcdutl).
 */
export function findEtcdBinary(name: 'etcd' | 'etcdctl' | 'etcdutl'): string | undefined {
  const chosen = process.env['LIFEBOAT_ETCD_BIN'];
  const directories =
    chosen === undefined ? [...(process.env['PATH'] ?? '').split(delimiter), CACHE] : [chosen];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

/** `findEtcdBinary` for what every test needs. */
export function etcdBinary(name: 'etcd' | 'etcdctl'): string {
  const path = findEtcdBinary(name);
  if (path === undefined) throw new Error(`${name} was not found: run \`npm test\`, which fetches it`);
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
