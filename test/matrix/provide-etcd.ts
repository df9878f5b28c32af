import { execa } from 'execa';
import { etcdBinary } from '../support/etcd-binaries.ts';
import { isBuilt, pinnedReleases, programsOf } from '../support/etcd-releases.ts';

/** An etcd to test with, or why there is none. */
export type ProvidedEtcd =
  | { readonly version: string; readonly directory: string | undefined }
  | { readonly version: string; readonly missing: string };

/** What PATH has. */
export async function systemEtcd(): Promise<ProvidedEtcd> {
  const { stdout } = await execa(etcdBinary('etcd'), ['--version']);
  const version = /etcd Version: (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  return { version: `${version} (system)`, directory: undefined };
}

/** The pinned release of that minor, built where it is not and Go is there. @throws {Error} when the build fails. */
export async function builtEtcd(minor: string): Promise<ProvidedEtcd> {
  const release = pinnedReleases().find((pinned) => pinned.minor === minor);
  if (release === undefined) throw new Error(`no release of etcd ${minor} is pinned`);
  const { version } = release;
  if (!isBuilt(release)) {
    if (!(await hasGo())) return { version, missing: 'no Go toolchain to build it' };
    await execa('npm', ['run', '--silent', 'etcd:build', '--', minor], {
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
    });
  }
  return { version, directory: programsOf(release) };
}

async function hasGo(): Promise<boolean> {
  const { failed } = await execa('go', ['version'], { reject: false });
  return !failed;
}
