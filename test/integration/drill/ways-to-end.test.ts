import { access, chmod, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { spawnDetached } from '../../../src/base/spawn-detached.ts';
import { bootEtcd } from '../../../src/drill/boot-etcd.ts';
import { Drills } from '../../../src/drill/drills.ts';
import { lowPriority } from '../../../src/drill/low-priority.ts';
import { identifyProcess, isAlive } from '../../../src/supervisor/process-identity.ts';
import { unpackFixture } from '../../support/damage.ts';
import { etcdBinary } from '../../support/etcd-binaries.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { processesNaming } from '../../support/lab-cluster.ts';
import { openTestCatalog } from '../../support/open-catalog.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { backupOf } from '../backup/backup-of.ts';
import { drill, drillContext, NEVER } from './drill-of.ts';

const searchPath = process.env['PATH'] ?? '';

async function oneSnapshot() {
  const place = await openTestCatalog();
  const path = join(place.scratch, 'file.db');
  await unpackFixture('streamed', path);
  const { id } = await place.catalog.importFile(path, {}, NEVER);
  const root = join(place.catalog.directory, 'drill');
  return { ...place, id, root, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
}

async function untilThere(path: string): Promise<void> {
  const look = (): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  await expect.poll(look, { timeout: 30_000 }).toBe(true);
}

/** An etcd that does something before it begins. */
async function slowEtcd(directory: string, first: string): Promise<string> {
  const path = join(directory, 'etcd');
  const version = `[ "$1" = --version ] && exec ${etcdBinary('etcd')} --version`;
  await writeFile(path, `#!/bin/bash\n${version}\n${first}\nexec ${etcdBinary('etcd')} "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

test('what a killed agent left of a drill is ended and removed by the next one, and nothing else is', async () => {
  await using one = await oneSnapshot();
  const launcher = await lowPriority(searchPath, NEVER);
  const program = etcdBinary('etcd');
  const directory = join(one.root, '0123456789abcdef', 'run');
  // Nobody disposes of it: that is what a kill -9 of its agent is to it.
  const orphan = await bootEtcd({
    program,
    launcher,
    directory,
    dataDir: join(directory, '..', 'data'),
    clock: systemClock,
  });
  const identity = await identifyProcess(orphan.pid);
  if (identity === undefined) throw new Error('it did not start');
  await untilThere(join(directory, '..', 'data', 'member'));
  const reading = await spawnDetached({
    command: ['/bin/sleep', '600'],
    cwd: directory,
    logFile: join(one.scratch, 'log'),
  });

  const drills = await Drills.open(drillContext(one.catalog), NEVER);
  expect(drills.swept).toEqual([join(one.root, '0123456789abcdef')]);
  expect(await isAlive(identity)).toBe(false);
  await expect(readdir(one.root)).rejects.toThrow('ENOENT');
  expect(await identifyProcess(reading.pid)).toBeDefined();
  process.kill(reading.pid, 'SIGKILL');
  await reading.ended;
});

test('a drill that is ended takes its etcd and its scratch directory with it, and says nothing of the snapshot', async () => {
  await using one = await oneSnapshot();
  const pipe = join(one.scratch, 'never-written');
  const etcdPath = await slowEtcd(one.scratch, `mkfifo ${pipe}; read -r line < ${pipe}`);
  const drills = await Drills.open(drillContext(one.catalog, { launch: { etcdPath, searchPath } }), NEVER);
  const running = drills.run({ id: one.id }, NEVER);
  const outcome = running.catch((error: unknown) => error);
  await untilThere(pipe);
  expect(await processesNaming(`${one.root}/`)).toHaveLength(1);
  await expect(drills.run({ id: one.id }, NEVER)).rejects.toMatchObject({ code: 'DRILL_RUNNING' });

  await drills.makeWay('a restore began');
  expect(await outcome).toMatchObject({
    code: 'CANCELLED',
    message: expect.stringContaining('a restore began') as string,
  });
  expect(await processesNaming(`${one.root}/`)).toEqual([]);
  expect(await readdir(one.root)).toEqual([]);
  expect((await one.catalog.get(one.id)).grade).toBe('hashed');
  expect(drills.isRunning).toBe(false);
  await drills.close();
  await expect(drills.run({ id: one.id }, NEVER)).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('a restore that rehearses ends the drill that is under way, and is not ended by another restore', async () => {
  await using one = await oneSnapshot();
  const pipe = join(one.scratch, 'written-later');
  const etcdPath = await slowEtcd(
    one.scratch,
    `[ -p ${pipe} ] || { mkfifo ${pipe}; read -r line < ${pipe}; }`,
  );
  const drills = await Drills.open(drillContext(one.catalog, { launch: { etcdPath, searchPath } }), NEVER);
  const first = drills.run({ id: one.id }, NEVER).catch((error: unknown) => error);
  await untilThere(pipe);
  const rehearsal = drills.rehearse({ id: one.id, isVerified: true }, NEVER);
  expect(await first).toMatchObject({ code: 'CANCELLED' });
  await drills.makeWay('another restore began');
  expect((await rehearsal).manifest.grade).toBe('booted');
});

test('an etcd that works is waited for, however long it takes to answer', async () => {
  await using one = await oneSnapshot();
  const etcdPath = await slowEtcd(
    one.scratch,
    'end=$((SECONDS + 5)); while [ $SECONDS -lt $end ]; do :; done',
  );
  const context = drillContext(one.catalog, { launch: { etcdPath, searchPath }, stallMs: 3000 });
  expect((await drill(context, { id: one.id })).report.manifest.grade).toBe('booted');
});

test('the throw-away etcd yields to others, listens on no network, and takes no variable of the agent for a flag', async () => {
  await using one = await oneSnapshot();
  const seen = join(one.scratch, 'seen');
  const look = `{ cat /proc/$$/oom_score_adj; ps -o ni= -p $$; env; printf '%s ' "$@"; } > ${seen}`;
  const etcdPath = await slowEtcd(one.scratch, look);
  process.env['ETCD_NAME'] = 'from-the-environment';
  try {
    await drill(drillContext(one.catalog, { launch: { etcdPath, searchPath } }), { id: one.id });
  } finally {
    delete process.env['ETCD_NAME'];
  }
  const [oomScore, nice, ...rest] = (await readFile(seen, 'utf8')).split('\n').map((line) => line.trim());
  expect([oomScore, nice]).toEqual(['1000', '19']);
  expect(rest.filter((line) => line.startsWith('ETCD_'))).toEqual([]);
  const flags = rest.at(-1)?.split(' ') ?? [];
  expect(flags.filter((flag) => flag.startsWith('--listen-'))).toEqual([
    '--listen-client-urls=unix://client:1',
    '--listen-peer-urls=unix://peer:1',
  ]);
  expect(flags.join(' ')).not.toContain('force-new-cluster');
});

test('what may not lower the priority here is left out, and so is what is not there', async () => {
  await using directory = await temporaryDirectory();
  const choom = join(directory.path, 'choom');
  await writeFile(choom, '#!/bin/sh\nexit 1\n');
  await chmod(choom, 0o755);
  await symlink('/usr/bin/nice', join(directory.path, 'nice'));
  const words = await lowPriority(directory.path, NEVER);
  expect(words.filter((word) => word.startsWith(directory.path))).toEqual([join(directory.path, 'nice')]);
});

test('with authentication on, etcd is asked by password; where that is another now, what it left in its file is compared', async () => {
  await using member = await startEtcd();
  await using taken = await backupOf(member);
  await member.ctl('put', 'a', '1');
  await member.ctl('user', 'add', 'root:secret');
  await member.ctl('user', 'grant-role', 'root', 'root');
  const saved = await taken.backup.save({ trigger: 'manual' }, NEVER);
  if ('skipped' in saved) throw new Error('nothing was saved');
  // As a cluster that has it from its beginning.
  await member.ctl('auth', 'enable');
  const copied = await taken.backup.copy({ trigger: 'manual' }, NEVER);
  expect(copied.manifest.authEnabled).toBe(true);
  const { report } = await drill(drillContext(taken.catalog), { id: copied.manifest.id });
  expect(report.booted).toMatchObject({ readFrom: 'file', served: { keyCount: 1 } });
  expect(report.manifest.grade).toBe('booted');
  expect(report.manifest.proofs.at(-1)?.by).toContain('of what it left in its file');

  const passwordFile = join(taken.scratch, 'password');
  await writeFile(passwordFile, 'secret');
  const auth = { user: 'root', passwordFile };
  const known = await drill(drillContext(taken.catalog, { auth }), { id: copied.manifest.id });
  expect(known.report.booted).toMatchObject({ readFrom: 'etcd', served: { keyCount: 1 } });
});
