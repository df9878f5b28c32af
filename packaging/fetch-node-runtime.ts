import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { NODE_RUNTIME, type Processor } from './node-runtime-pins.ts';

export interface NodeRuntime {
  /** The program. */
  readonly program: string;
  /** Node's own license and those of what it contains. */
  readonly license: string;
}

/**
 * The pinned Node for `processor`, unpacked below `scratch`. It comes from the cache, else from the npm registry by npm's own client; either way
 * it is unpacked only when its SHA-512 is the pinned one.
 */
export async function fetchNodeRuntime(processor: Processor, scratch: string): Promise<NodeRuntime> {
  const archive = await cachedArchive(processor);
  const target = join(scratch, `node-${processor}`);
  await mkdir(target, { recursive: true });
  const members = ['package/bin/node', 'package/LICENSE'];
  await execa('tar', ['--extract', '--gzip', '--file', archive, '--directory', target, ...members]);
  return { program: join(target, 'package/bin/node'), license: join(target, 'package/LICENSE') };
}

async function cachedArchive(processor: Processor): Promise<string> {
  const name = `node-linux-${processor}`;
  const directory = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'etcd-lifeboat', 'node');
  const archive = join(directory, `${name}-${NODE_RUNTIME.version}.tgz`);
  if ((await integrityOf(archive)) === NODE_RUNTIME.integrity[processor]) return archive;
  await mkdir(directory, { recursive: true });
  // Downloaded beside it and renamed: two builds at once, or one that was cut off, leave no half file under the name.
  const download = await mkdtemp(join(directory, 'download-'));
  try {
    const spec = `${name}@${NODE_RUNTIME.version}`;
    await execa('npm', ['pack', spec, '--silent', '--pack-destination', download], { cwd: download });
    const fetched = join(download, `${name}-${NODE_RUNTIME.version}.tgz`);
    const found = await integrityOf(fetched);
    if (found !== NODE_RUNTIME.integrity[processor]) {
      throw new Error(`${spec} has ${found ?? 'no file'}, pinned is ${NODE_RUNTIME.integrity[processor]}`);
    }
    await rename(fetched, archive);
  } finally {
    await rm(download, { recursive: true, force: true });
  }
  return archive;
}

async function integrityOf(file: string): Promise<string | undefined> {
  try {
    return `sha512-${createHash('sha512')
      .update(await readFile(file))
      .digest('base64')}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
