import { execa } from 'execa';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { deb, listing, PACKAGES, RELEASE, tarball, treeName } from './package-files.ts';

const hasLintian = (await execa('lintian', ['--version'], { reject: false })).exitCode === 0;

/** ELF's `e_machine`: 62 is x86-64, 183 is AArch64. */
async function machineOf(program: string): Promise<number> {
  const file = await open(program);
  try {
    return (await file.read(Buffer.alloc(20), 0, 20, 0)).buffer.readUInt16LE(18);
  } finally {
    await file.close();
  }
}

test.each(['amd64', 'arm64'] as const)(
  'the .deb for %s puts each file where its reader looks',
  async (architecture) => {
    const files = await listing(deb(architecture));
    expect(files).toEqual(
      expect.arrayContaining([
        'drwxr-x--- root/root ./etc/etcd-lifeboat/',
        '-rw-r--r-- root/root ./lib/systemd/system/lifeboat.service',
        '-rw-r--r-- root/root ./lib/systemd/system/lifeboat@.service',
        '-rw-r--r-- root/root ./lib/systemd/system/etcd.service.d/50-lifeboat-hold.conf',
        '-rw-r--r-- root/root ./lib/systemd/system/etcd@.service.d/50-lifeboat-hold.conf',
        '-rw-r--r-- root/root ./usr/share/polkit-1/rules.d/50-etcd-lifeboat.rules',
        '-rwxr-xr-x root/root ./usr/bin/lifeboat',
        '-rwxr-xr-x root/root ./usr/lib/etcd-lifeboat/node',
        '-rw-r--r-- root/root ./usr/lib/etcd-lifeboat/lifeboat.mjs',
        '-rw-r--r-- root/root ./usr/share/man/man8/lifeboat.8.gz',
        '-rw-r--r-- root/root ./usr/share/bash-completion/completions/lifeboat',
        '-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_lifeboat',
        '-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/lifeboat.fish',
        '-rw-r--r-- root/root ./usr/share/doc/etcd-lifeboat/config.example.yaml',
        '-rw-r--r-- root/root ./usr/share/doc/etcd-lifeboat/docs/operations.md',
        '-rw-r--r-- root/root ./usr/share/doc/etcd-lifeboat/licenses-of-packages.txt.gz',
        '-rw-r--r-- root/root ./usr/share/doc/etcd-lifeboat/license-of-node.txt.gz',
      ]),
    );
    const writable = files.filter((line) => /^.{5}w|^.{8}w/.test(line));
    expect(writable).toEqual([]);
  },
);

test('the .deb invents no configuration', async () => {
  const etc = (await listing(deb())).filter((line) => line.includes(' ./etc/'));
  expect(etc).toEqual(['drwxr-xr-x root/root ./etc/', 'drwxr-x--- root/root ./etc/etcd-lifeboat/']);
});

test('the .deb says what it is and what it needs', async () => {
  const { stdout } = await execa('dpkg-deb', ['--field', deb('arm64')]);
  expect(stdout).toContain('Package: etcd-lifeboat\n');
  expect(stdout).toContain(`Version: ${RELEASE}\n`);
  expect(stdout).toContain('Architecture: arm64\n');
  expect(stdout).toContain('libc6 (>= 2.28)');
  expect(stdout).not.toMatch(/nodejs|@[A-Z]/);
});

test.each([
  ['x64', 'amd64', 62],
  ['arm64', 'arm64', 183],
] as const)(
  'the Node of the packages for %s is a program for it',
  async (processor, architecture, machine) => {
    await using directory = await temporaryDirectory();
    await execa('dpkg-deb', ['--extract', deb(architecture), directory.path]);
    expect(await machineOf(join(directory.path, 'usr/lib/etcd-lifeboat/node'))).toBe(machine);
    const program = `${treeName(processor)}/lib/etcd-lifeboat/node`;
    await execa('tar', ['-xzf', tarball(processor), '-C', directory.path, program]);
    expect(await machineOf(join(directory.path, program))).toBe(machine);
  },
);

test('the tarball is one tree, in order, of root', async () => {
  const files = await listing(tarball());
  const paths = files.map((line) => line.split(' ')[2] ?? '');
  expect(paths[0]).toBe(`${treeName('x64')}/`);
  expect(paths.every((path) => path.startsWith(`${treeName('x64')}/`))).toBe(true);
  expect(files.every((line) => line.split(' ')[1] === '0/0')).toBe(true);
  expect(files).toContain(`-rwxr-xr-x 0/0 ${treeName('x64')}/bin/lifeboat`);
  expect(files).toContain(`-rw-r--r-- 0/0 ${treeName('x64')}/lib/etcd-lifeboat/systemd/lifeboat.service`);
});

test('every package has its sum', async () => {
  await execa('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: PACKAGES });
  const sums = await readFile(join(PACKAGES, 'SHA256SUMS'), 'utf8');
  expect(sums.trim().split('\n')).toHaveLength(4);
});

test('the bundle needs nothing beside it, and every package in it brings its license', async () => {
  await using directory = await temporaryDirectory();
  await execa('dpkg-deb', ['--extract', deb(), directory.path]);
  const bundle = await readFile(join(directory.path, 'usr/lib/etcd-lifeboat/lifeboat.mjs'), 'utf8');
  const imported = [...bundle.matchAll(/^import .*? from "([^"]+)";$/gm)].map((match) => match[1] ?? '');
  expect(imported.length).toBeGreaterThan(10);
  const { builtinModules } = await import('node:module');
  const others = imported.filter((name) => !builtinModules.includes(name.replace(/^node:/, '')));
  expect(others).toEqual([]);
  const licenses = gunzipSync(
    await readFile(join(directory.path, 'usr/share/doc/etcd-lifeboat/licenses-of-packages.txt.gz')),
  ).toString();
  expect(licenses).toMatch(/^@grpc\/grpc-js \d/m);
  expect(licenses).toMatch(/^ws \d/m);
  // It ships no license file: the notices at the head of its files stand for it.
  const protobuf = licenses
    .split(/\n\n(?=\S+ [\d.]+ \()/)
    .find((part) => part.startsWith('@bufbuild/protobuf'));
  expect(protobuf).toContain('Google Inc.');
  expect(protobuf).toContain('Buf Technologies');
});

test.skipIf(!hasLintian)(
  `lintian${hasLintian ? '' : ' (not on this machine)'} has nothing to say that is not answered`,
  async () => {
    const { stdout } = await execa('lintian', ['--allow-root', '--tag-display-limit', '0', deb()], {
      reject: false,
    });
    expect(stdout).toBe('');
  },
);
