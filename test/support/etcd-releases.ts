import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Beside this file: a Go module for each minor release, which names the patch release and, in go.sum, every hash. */
const MODULES = join(import.meta.dirname, 'etcd-modules');

export const ETCD_PROGRAMS = ['etcd', 'etcdctl', 'etcdutl'] as const;

/** A release of etcd that is built here from the modules that etcd publishes. */
export interface EtcdRelease {
  /** `3.6` */
  readonly minor: string;
  /** `3.6.16` */
  readonly version: string;
  /** Where its go.mod and go.sum are. */
  readonly moduleDirectory: string;
  /** SHA-256 of both: a build of anything else is not reused. */
  readonly pin: string;
  /** Where it is built into; absent, or whole. */
  readonly directory: string;
}

/** Outside the repository, so that a clean checkout need not build again. */
export function cacheRoot(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'etcd-lifeboat');
}

/** The releases that are pinned, oldest first. */
export function pinnedReleases(): EtcdRelease[] {
  const minors = readdirSync(MODULES).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return minors.map((minor) => {
    const moduleDirectory = join(MODULES, minor);
    const goMod = readFileSync(join(moduleDirectory, 'go.mod'), 'utf8');
    const goSum = readFileSync(join(moduleDirectory, 'go.sum'), 'utf8');
    const version = /go\.etcd\.io\/etcd\/server\/v3 v(\S+)/.exec(goMod)?.[1];
    if (version?.startsWith(`${minor}.`) !== true)
      throw new Error(`${moduleDirectory}/go.mod requires etcd ${version ?? 'of no release'}`);
    const pin = createHash('sha256').update(goMod).update('\0').update(goSum).digest('hex');
    return { minor, version, moduleDirectory, pin, directory: join(cacheRoot(), `etcd-${version}`) };
  });
}

/** The directory of a whole build's programs: what LIFEBOAT_ETCD_BIN takes. */
export function programsOf(release: EtcdRelease): string {
  return join(release.directory, 'bin');
}

/** Whether the release was built, from these very modules. The pin is written with the programs and renamed with them. */
export function isBuilt(release: EtcdRelease): boolean {
  try {
    return readFileSync(join(release.directory, 'pin'), 'utf8') === release.pin;
  } catch {
    return false;
  }
}
