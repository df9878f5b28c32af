import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { dirname } from 'node:path/posix';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { chooseRestoreTool } from '../../../src/restore-tool/choose-tool.ts';
import { etcdVersion } from '../../../src/restore-tool/etcd-version.ts';
import { findRestoreTools } from '../../../src/restore-tool/find-tools.ts';
import { etcdBinary } from '../../support/etcd-binaries.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { localTools } from './local-tools.ts';

const NEVER = new AbortController().signal;

async function script(path: string, body: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

test('the real tools say what they can, and one of them fits the real etcd', async () => {
  const tools = await localTools();
  const version = await etcdVersion({ etcdPath: etcdBinary('etcd'), searchPath: '' }, NEVER);

  const { stdout } = await execa(etcdBinary('etcd'), ['--version']);
  expect(stdout).toContain(`etcd Version: ${version ?? 'none'}`);
  const tool = chooseRestoreTool(tools, version);
  expect(tool).toMatchObject({ canRestore: true, canSkipHashCheck: true, canSetWalDir: true });
  expect(tool.version.split('.').slice(0, 2)).toEqual(version?.split('.').slice(0, 2));
  expect(tools.map((found) => found.problem)).toEqual(tools.map(() => undefined));
});

test('a PATH is searched in its order, each program once, and relative entries are passed over', async () => {
  await using directory = await temporaryDirectory();
  const links = join(directory.path, 'links');
  await mkdir(links);
  await symlink(etcdBinary('etcdctl'), join(links, 'etcdctl'));
  const searchPath = ['', '.', join(directory.path, 'absent'), links, dirname(etcdBinary('etcdctl'))].join(
    delimiter,
  );

  const tools = await findRestoreTools({ searchPath }, NEVER);

  expect(tools.filter(({ kind }) => kind === 'etcdctl').map(({ path }) => path)).toEqual([
    join(links, 'etcdctl'),
  ]);
});

test('no other program is looked at when one is named, whatever its file is called', async () => {
  await using directory = await temporaryDirectory();
  const named = join(directory.path, 'my-tool');
  await symlink(etcdBinary('etcdctl'), named);

  const tools = await findRestoreTools(
    { toolPath: named, searchPath: dirname(etcdBinary('etcdctl')) },
    NEVER,
  );

  expect(tools).toMatchObject([{ path: named, kind: 'etcdctl' }]);
});

test('a named tool that is not there is said to be missing', async () => {
  await using directory = await temporaryDirectory();

  for (const toolPath of [join(directory.path, 'absent'), directory.path]) {
    await expect(findRestoreTools({ toolPath, searchPath: '' }, NEVER)).rejects.toMatchObject({
      code: 'RESTORE_TOOL_MISSING',
      details: { toolPath },
    });
  }
});

test('a program that cannot be run, or is something else, is listed with its problem and never chosen', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'etcdutl'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0]), {
    mode: 0o755,
  });
  await script(join(directory.path, 'etcdctl'), 'echo "version 3.5.0 of something else"');

  const tools = await findRestoreTools({ searchPath: directory.path }, NEVER);

  expect(tools).toMatchObject([
    {
      kind: 'etcdutl',
      version: 'unknown',
      canRestore: false,
      problem: expect.stringMatching(/\S/) as string,
    },
    {
      kind: 'etcdctl',
      version: 'unknown',
      canRestore: false,
      problem: expect.stringMatching(/does not say/) as string,
    },
  ]);
  expect(() => chooseRestoreTool(tools, '3.5.0')).toThrow(
    expect.objectContaining({ code: 'RESTORE_TOOL_MISSING' }),
  );
});

test('the search ends when it is cancelled', async () => {
  await using directory = await temporaryDirectory();
  await script(join(directory.path, 'etcdctl'), 'exec sleep 600');

  await expect(
    findRestoreTools({ searchPath: directory.path }, AbortSignal.timeout(50)),
  ).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('a host without etcd has no version of it', async () => {
  await using directory = await temporaryDirectory();

  expect(await etcdVersion({ searchPath: directory.path }, NEVER)).toBeUndefined();
  await expect(
    etcdVersion({ etcdPath: join(directory.path, 'etcd'), searchPath: '' }, NEVER),
  ).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
});
