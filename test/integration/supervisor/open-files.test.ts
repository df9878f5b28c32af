import { execa } from 'execa';
import { once } from 'node:events';
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processesUsing } from '../../../src/supervisor/open-files.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const PATIENT = { timeout: 10_000, interval: 20 };
const ROOT = process.getuid?.() === 0;

/** A shell that has `path` open, in the mode of the redirection, until its scope ends. */
function holdOpen(path: string, redirection = '<>', wrapper: readonly string[] = []) {
  const script = `exec 5${redirection}"$1"; echo open; read -r _`;
  const [file = '', ...args]: string[] = [...wrapper, 'sh', '-c', script, 'sh', path];
  const child = execa(file, args, { reject: false, stdin: 'pipe' });
  return {
    pid: child.pid ?? 0,
    opened: once(child.stdout, 'data'),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      child.kill('SIGKILL');
      await child;
    },
  };
}

test('processes are found by what they have open, whether they write or read', async () => {
  await using directory = await temporaryDirectory();
  const dataDir = join(directory.path, 'etcd');
  await mkdir(join(dataDir, 'member'), { recursive: true });
  const path = join(dataDir, 'member', 'db');
  await writeFile(path, '');
  expect(await processesUsing([dataDir])).toEqual([]);

  await using writer = holdOpen(path);
  await using reader = holdOpen(path, '<');
  await Promise.all([writer.opened, reader.opened]);
  const users = await processesUsing([dataDir]);
  expect(users.find(({ pid }) => pid === writer.pid)).toMatchObject({ path, writing: true });
  expect(users.find(({ pid }) => pid === reader.pid)).toMatchObject({ path, writing: false });
  expect(users[0]?.command).toContain('sh -c');

  // A neighbour whose name begins alike is somebody else's.
  await mkdir(`${dataDir}-old`);
  expect(await processesUsing([`${dataDir}-old`, join(directory.path, 'absent')])).toEqual([]);
});

test('this process does not count', async () => {
  await using directory = await temporaryDirectory();
  const file = await open(join(directory.path, 'db'), 'w');
  try {
    expect(await processesUsing([directory.path])).toEqual([]);
  } finally {
    await file.close();
  }
});

test('a file that was deleted or lies behind a link in the directory counts', async () => {
  await using directory = await temporaryDirectory();
  const [dataDir, disk] = [join(directory.path, 'etcd'), join(directory.path, 'disk')];
  await mkdir(dataDir);
  await mkdir(disk);
  await symlink(disk, join(dataDir, 'wal'));
  await using deleted = holdOpen(join(dataDir, 'db'));
  await using linked = holdOpen(join(disk, '0.wal'));
  await Promise.all([deleted.opened, linked.opened]);
  await execa('rm', [join(dataDir, 'db')]);
  const pids = (await processesUsing([dataDir])).map(({ pid }) => pid);
  expect(pids.sort()).toEqual([deleted.pid, linked.pid].sort());
});

test('a process that ended and was not waited for does not count', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'db');
  // The inner shell ends; the outer one became sleep(1), which waits for nobody.
  const script = 'sh -c "exec 5<>\\"$1\\"; echo \\$\\$" sh "$1" & exec sleep 100';
  const parent = execa('sh', ['-c', script, 'sh', path], { reject: false });
  try {
    const [line] = (await once(parent.stdout, 'data')) as [unknown];
    const zombie = String(line).trim();
    await expect.poll(async () => (await execa('ps', ['-o', 'stat=', zombie])).stdout, PATIENT).toMatch(/^Z/);
    expect(await processesUsing([directory.path])).toEqual([]);
  } finally {
    parent.kill('SIGKILL');
    await parent;
  }
});

test.skipIf(!ROOT)(
  'a process that sees the files under another path, as in a container, counts (needs root)',
  async () => {
    await using directory = await temporaryDirectory();
    const [dataDir, inside] = [join(directory.path, 'etcd'), join(directory.path, 'inside')];
    await mkdir(dataDir);
    await mkdir(inside);
    await writeFile(join(dataDir, 'db'), '');
    const mounted = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      `mount --bind ${dataDir} ${inside} && exec "$@"`,
      'sh',
    ];
    await using contained = holdOpen(join(inside, 'db'), '<>', mounted);
    await contained.opened;
    expect((await processesUsing([dataDir])).map(({ pid }) => pid)).toEqual([contained.pid]);
  },
);

test.skipIf(!ROOT)(
  'an etcd that may not be looked at counts unless it names another directory (needs root)',
  async () => {
    await using directory = await temporaryDirectory();
    const dataDir = join(directory.path, 'data');
    // A shell called etcd: it has that name, and does not mind the flags of etcd.
    const program = join(directory.path, 'etcd');
    await execa('cp', ['/bin/sh', program]);
    const wait = ['-c', 'read -r _', 'etcd'];
    const hidden = execa(program, wait, { reject: false, stdin: 'pipe' });
    const same = execa(program, [...wait, '--data-dir', dataDir], { reject: false, stdin: 'pipe' });
    const other = execa(program, [...wait, '--data-dir=/elsewhere'], { reject: false, stdin: 'pipe' });
    try {
      await execa('chmod', ['755', directory.path]);
      const pids = (await seenByNobody(dataDir)).map(({ pid }) => pid);
      expect(pids).toEqual(expect.arrayContaining([hidden.pid, same.pid]));
      expect(pids).not.toContain(other.pid);
    } finally {
      for (const child of [hidden, same, other]) child.kill('SIGKILL');
      await Promise.all([hidden, same, other]);
    }
  },
);

test.skipIf(!ROOT)(
  'a process of any name that may not be looked at counts by its lock (needs root)',
  async () => {
    await using directory = await temporaryDirectory();
    await execa('chmod', ['755', directory.path]);
    const path = join(directory.path, 'db');
    await writeFile(path, '');
    await using stranger = holdOpen(path, '<>', ['flock', '--no-fork', path]);
    await stranger.opened;
    // Other etcds of this machine may be among them.
    expect(await seenByNobody(directory.path)).toContainEqual(
      expect.objectContaining({ pid: stranger.pid, writing: true }),
    );
  },
);

test.skipIf(!ROOT)('where /proc hides other users, nobody is never the answer (needs root)', async () => {
  await using directory = await temporaryDirectory();
  for (const option of ['hidepid=2', 'hidepid=1', 'subset=pid']) {
    const mounted = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      `mount -t proc -o ${option} proc /proc && exec "$@"`,
      'sh',
    ];
    await expect(seenByNobody(directory.path, mounted)).rejects.toThrow('PROCESSES_HIDDEN');
  }
});

/** What `processesUsing` tells a user who may look at nobody else's files. */
async function seenByNobody(path: string, wrapper: readonly string[] = []): Promise<{ pid: number }[]> {
  const source = new URL('../../../src/supervisor/open-files.ts', import.meta.url).href;
  const look = `import { processesUsing } from ${JSON.stringify(source)};
    try { console.log(JSON.stringify(await processesUsing(${JSON.stringify([path])}))); }
    catch (error) { console.error(error.code); process.exit(1); }`;
  const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', look];
  const [file = '', ...args] = [...wrapper, ...asNobody, ...node];
  return JSON.parse((await execa(file, args)).stdout) as { pid: number }[];
}
