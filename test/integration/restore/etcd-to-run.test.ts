import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { etcdVersion } from '../../../src/restore-tool/etcd-version.ts';
import { chooseRestoreTool } from '../../../src/restore-tool/choose-tool.ts';
import { findRestoreTools } from '../../../src/restore-tool/find-tools.ts';
import { etcdToRun, type EtcdLaunch } from '../../../src/restore/etcd-to-run.ts';
import { etcdBinary } from '../../support/etcd-binaries.ts';
import { isBuilt, pinnedReleases, programsOf } from '../../support/etcd-releases.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const here = etcdBinary('etcd');
const version = await etcdVersion({ etcdPath: here, searchPath: '' }, NEVER);

async function versionToRun(launch: EtcdLaunch, running: string | undefined): Promise<string | undefined> {
  return (await etcdToRun(launch, running, NEVER)).version;
}

async function program(directory: string, name: string, script: string): Promise<string> {
  const path = join(directory, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

test('the etcd that will run is the one that is named, or that the command or the unit starts, before the one that runs', async () => {
  await using directory = await temporaryDirectory();
  const upgraded = await program(directory.path, 'new/etcd', 'echo "etcd Version: 9.9.9"');
  const systemctl = await program(
    directory.path,
    'systemctl',
    `echo 'ExecStart={ path=${upgraded} ; argv[]=${upgraded} --name m1 ; ignore_errors=no ; start_time=[n/a] }'`,
  );
  const searchPath = '';
  const unit = { name: 'etcd.service', systemctl };

  expect(await versionToRun({ etcdPath: here, unit, searchPath }, '3.3.0')).toBe(version);
  expect(await versionToRun({ program: upgraded, searchPath }, '3.3.0')).toBe('9.9.9');
  expect(await versionToRun({ unit, searchPath }, '3.3.0')).toBe('9.9.9');
  expect(await versionToRun({ searchPath: dirname(here) }, '3.3.0')).toBe('3.3.0');
  expect(await versionToRun({ searchPath: dirname(here) }, undefined)).toBe(version);
  expect(await versionToRun({ searchPath }, undefined)).toBeUndefined();
});

test('a wrapper is not run to be asked for a version, and a systemd that cannot be asked is passed over', async () => {
  await using directory = await temporaryDirectory();
  const ran = join(directory.path, 'ran');
  const wrapper = await program(directory.path, 'start-etcd', `touch ${ran}`);
  const launch = { program: wrapper, searchPath: '' };
  expect(await versionToRun(launch, '3.4.23')).toBe('3.4.23');
  await expect(readFile(ran)).rejects.toThrow('ENOENT');
  const unit = { name: 'etcd.service', systemctl: join(directory.path, 'none') };
  expect(await versionToRun({ unit, searchPath: '' }, '3.4.23')).toBe('3.4.23');
});

const newer = pinnedReleases().find((release) => release.minor === '3.6' && isBuilt(release));
const isOld = version?.startsWith('3.4.') === true;

test('a drill may run the program itself, and one on PATH only where it is of the minor release that runs', async () => {
  await using directory = await temporaryDirectory();
  const alike = await program(directory.path, 'alike/etcd', 'echo "etcd Version: 3.4.99"');
  const searchPath = dirname(alike);
  expect(await etcdToRun({ etcdPath: here, searchPath }, undefined, NEVER)).toEqual({ version, path: here });
  expect(await etcdToRun({ searchPath }, '3.4.1', NEVER)).toEqual({ version: '3.4.1', path: alike });
  expect(await etcdToRun({ searchPath }, '3.5.1', NEVER)).toEqual({ version: '3.5.1' });
  expect(await etcdToRun({ searchPath }, undefined, NEVER)).toEqual({ version: '3.4.99', path: alike });
  expect(await etcdToRun({ searchPath: '' }, undefined, NEVER)).toEqual({});
});

test.skipIf(newer === undefined || !isOld)(
  'beside each other, the 3.4 and the 3.6 tool are each taken for their own etcd (skipped unless etcd is 3.4 and a 3.6 was built)',
  async () => {
    const bin = newer === undefined ? '' : programsOf(newer);
    await using directory = await temporaryDirectory();
    await symlink(etcdBinary('etcdctl'), join(directory.path, 'etcdctl'));
    await copyFile(join(bin, 'etcdutl'), join(directory.path, 'etcdutl'));
    const tools = await findRestoreTools({ searchPath: directory.path }, NEVER);
    const chosen = (etcd: string | undefined) => chooseRestoreTool(tools, etcd);
    const willRun = await versionToRun({ program: join(bin, 'etcd'), searchPath: '' }, version);
    expect(willRun).toBe(newer?.version);
    expect(chosen(willRun)).toMatchObject({ kind: 'etcdutl', version: newer?.version });
    expect(chosen(version)).toMatchObject({ kind: 'etcdctl', version });
    const old = tools.filter(({ kind }) => kind === 'etcdctl');
    expect(() => chooseRestoreTool(old, willRun)).toThrow(
      expect.objectContaining({ code: 'RESTORE_TOOL_UNFIT' }) as Error,
    );
  },
);
