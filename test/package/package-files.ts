import { execa } from 'execa';
import { join } from 'node:path';
import { inject } from 'vitest';
import { readRelease } from '../../src/base/release.ts';

export const RELEASE = readRelease();

/** The name of the directory that the tarball holds, and of the tarball without its ending. */
export function treeName(processor: 'x64' | 'arm64'): string {
  return `etcd-lifeboat-${RELEASE}-linux-${processor}`;
}

export function tarball(processor: 'x64' | 'arm64' = 'x64', directory = inject('packages')): string {
  return join(directory, `${treeName(processor)}.tar.gz`);
}

export function deb(architecture: 'amd64' | 'arm64' = 'amd64', directory = inject('packages')): string {
  return join(directory, `etcd-lifeboat_${RELEASE}_${architecture}.deb`);
}

/** `MODE OWNER PATH`, for each file and directory of an archive. */
export async function listing(file: string): Promise<string[]> {
  const { stdout } = file.endsWith('.deb')
    ? await execa('dpkg-deb', ['--contents', file])
    : await execa('tar', ['--list', '--verbose', '--numeric-owner', '--gzip', '--file', file]);
  return stdout.split('\n').map((line) => {
    const [mode = '', owner = '', , , , ...path] = line.split(/\s+/);
    return `${mode} ${owner} ${path.join(' ')}`;
  });
}
