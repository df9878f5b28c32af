import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { pathExists } from '../base/path-exists.ts';
import type { Distribution } from './install-layout.ts';

const SYSTEMD = 'lib/etcd-lifeboat/systemd';
/** Below the root, which may be a prefix that others use too: only these are ours. */
const OURS = [
  'bin/lifeboat',
  'lib/etcd-lifeboat',
  'share/doc/etcd-lifeboat',
  'share/man/man8/lifeboat.8.gz',
  'share/bash-completion/completions/lifeboat',
  'share/zsh/site-functions/_lifeboat',
  'share/fish/vendor_completions.d/lifeboat.fish',
];

/**
 * The distribution that the running program belongs to.
 *
 * @param programFile - The running bundle: `ROOT/lib/etcd-lifeboat/lifeboat.mjs`.
 * @throws {AgentError} `INSTALL_REFUSED` when it is something else: a checkout, or the .deb.
 */
export async function readDistribution(programFile: string): Promise<Distribution> {
  const root = dirname(dirname(dirname(programFile)));
  const isBundle = basename(programFile) === 'lifeboat.mjs' && (await pathExists(join(root, SYSTEMD)));
  if (!isBundle) {
    throw new AgentError(
      'INSTALL_REFUSED',
      `${programFile} is not the program of an unpacked etcd-lifeboat-VERSION-linux-ARCH.tar.gz`,
    );
  }
  const paths = (await Promise.all(OURS.map((path) => filesBelow(join(root, path))))).flat();
  const files = await Promise.all(
    paths.map(async (path) => ({ path: relative(root, path), mode: (await stat(path)).mode & 0o777 })),
  );
  const names = (await readdir(join(root, SYSTEMD))).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(root, SYSTEMD, name), 'utf8')));
  return {
    root,
    files: files.filter(({ path }) => path !== 'lib/etcd-lifeboat/installed.json'),
    systemd: new Map(names.map((name, index) => [name, texts[index] ?? ''])),
  };
}

async function filesBelow(path: string): Promise<string[]> {
  if (!(await pathExists(path))) throw new AgentError('INSTALL_REFUSED', `the distribution lacks ${path}`);
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
