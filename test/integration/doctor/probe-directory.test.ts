import { execa } from 'execa';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeDirectory } from '../../../src/doctor/judge-data.ts';
import { probeDirectory } from '../../../src/doctor/probe-directory.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const isRoot = process.getuid?.() === 0;
const DATA = { kind: 'data', tryOut: true } as const;

test('a directory is tried out, and is afterwards as it was', async () => {
  await using directory = await temporaryDirectory();
  await mkdir(join(directory.path, 'member'));
  await mkdir(join(directory.path, 'member.before-20261123T155353Z-dcacb3'));
  const before = await readdir(directory.path, { recursive: true });
  const facts = await probeDirectory(directory.path, DATA);
  expect(facts).toMatchObject({
    mode: 0o700,
    setAside: ['member.before-20261123T155353Z-dcacb3'],
    probe: { memberIsMount: false, reflink: expect.stringMatching(/^(shared|copied)$/) as string },
  });
  expect(facts.probe?.problem).toBeUndefined();
  expect(await readdir(directory.path, { recursive: true })).toEqual(before);
});

test('the staging of a restore that is under way is left alone', async () => {
  await using directory = await temporaryDirectory();
  const staged = join(directory.path, '.lifeboat', 'operation');
  await mkdir(staged, { recursive: true });
  expect((await probeDirectory(directory.path, DATA)).probe?.problem).toBeUndefined();
  expect(await readdir(join(directory.path, '.lifeboat'))).toEqual(['operation']);
});

test('a directory that is not there is said to be missing', async () => {
  expect(await probeDirectory('/nonexistent/etcd', DATA)).toMatchObject({ problem: 'ENOENT', setAside: [] });
});

test.skipIf(!isRoot)(
  'a full disk, a read-only one and a member of its own disk (needs root to mount)',
  async () => {
    await using directory = await temporaryDirectory();
    const disk = join(directory.path, 'disk');
    await mkdir(disk);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=0700', 'tmpfs', disk]);
    try {
      await execa('dd', ['if=/dev/zero', `of=${join(disk, 'fill')}`, 'bs=4k'], { reject: false });
      const full = await probeDirectory(disk, DATA);
      expect(full).toMatchObject({ mount: { type: 'tmpfs', mountPoint: disk, readOnly: false } });
      expect(full.probe?.problem).toContain('ENOSPC');
      expect(await readdir(disk)).toEqual(['fill']);

      await execa('mount', ['-o', 'remount,ro', disk]);
      const readOnly = await probeDirectory(disk, DATA);
      expect(readOnly.mount?.readOnly).toBe(true);
      expect(judgeDirectory(readOnly, true).map(({ status }) => status)).toEqual(['fail', 'fail', 'skipped']);
    } finally {
      await execa('umount', [disk]);
    }

    await mkdir(join(disk, 'member'));
    await execa('mount', ['-t', 'tmpfs', 'tmpfs', join(disk, 'member')]);
    try {
      expect((await probeDirectory(disk, DATA)).probe?.memberIsMount).toBe(true);
    } finally {
      await execa('umount', [join(disk, 'member')]);
    }
  },
);

test('a reflink is seen where the file system has them', async ({ skip }) => {
  await using directory = await temporaryDirectory();
  const [image, disk] = [join(directory.path, 'image'), join(directory.path, 'disk')];
  await writeFile(image, '');
  await mkdir(disk);
  const made = await execa(
    'sh',
    ['-c', 'truncate -s 320M "$1" && mkfs.xfs -q "$1" && mount -o loop "$1" "$2"', ...['sh', image, disk]],
    { reject: false },
  );
  skip(made.exitCode !== 0, 'needs root, xfs and a loop device');
  try {
    expect((await probeDirectory(disk, DATA)).probe).toEqual({ memberIsMount: false, reflink: 'shared' });
  } finally {
    await execa('umount', [disk]);
  }
});
