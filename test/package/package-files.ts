import { execa } from 'execa';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRelease } from '../../src/base/release.ts';

export const RELEASE = readRelease();

/** Where `npm run package` puts them. */
export const PACKAGES = fileURLToPath(new URL('../../dist/package', import.meta.url));

/** The name of the directory that the tarball holds, and of the tarball without its ending. */
export function treeName(processor: 'x64' | 'arm64'): string {
  return `etcd-lifeboat-${RELEASE}-linux-${processor}`;
}

export function tarball(processor: 'x64' | 'arm64' = 'x64', directory = PACKAGES): string {
  return join(directory, `${treeName(processor)}.tar.gz`);
}

export function deb(architecture: 'amd64' | 'arm64' = 'amd64', directory = PACKAGES): string {
  return join(directory, `etcd-lifeboat_${RELEASE}_${architecture}.deb`);
}

const listings = new Map<string, Promise<string[]>>();

/** `MODE OWNER PATH`, for each file and directory of an archive. All of it has to be unpacked for that, so that is done once. */
export async function listing(file: string): Promise<string[]> {
  const known = listings.get(file) ?? listed(file);
  listings.set(file, known);
  return await known;
}

async function listed(file: string): Promise<string[]> {
  const { stdout } = file.endsWith('.deb')
    ? await execa('dpkg-deb', ['--contents', file])
    : await execa('tar', ['--list', '--verbose', '--numeric-owner', '--gzip', '--file', file]);
  return stdout.split('\n').map((line) => {
    const [mode = '', owner = '', , , , ...path] = line.split(/\s+/);
    return `${mode} ${owner} ${path.join(' ')}`;
  });
}
