import { mkdirSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LabHost, LabOptions } from '../support/lab-cluster.ts';
import { etcdThatMayFail, flags } from './obstacles.ts';
import {
  contentsOf,
  expectContentsEverywhere,
  expectNewCluster,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  run,
  save,
  threeOf,
  untilQuorumIsLost,
  untilStopped,
  type Scene,
} from './restore-scene.ts';

const NOBODY = 65_534;

/**
 * In a mount namespace of each agent's own, so that nothing stays mounted: h1 has its data on ext4 and, from its second
 * start on, its log on a file system of its own too; h2 has its data on one. Where there is no loop device, all are tmpfs.
 */
const mounts: NonNullable<LabOptions['launcher']> = ({ name, directory, dataDir }) => {
  if (name === 'h3') return [];
  mkdirSync(dataDir, { recursive: true });
  const [image, wal, log] = ['data.img', 'wal', 'wal-before'].map((entry) => join(directory, entry));
  const script = [
    'set -e',
    `tmpfs() { mount -t tmpfs -o size=1g,mode=700 tmpfs $1 && mkdir -m 700 $1/lost+found; }`,
    name === 'h1'
      ? `[ -e ${image} ] || { truncate -s 1G ${image} && mkfs.ext4 -q ${image}; }; mount -o loop ${image} ${dataDir} || tmpfs ${dataDir}`
      : `tmpfs ${dataDir}`,
    `if [ -d ${log} ]; then tmpfs ${wal}; cp -a ${log}/. ${wal}/; chown -R ${NOBODY}:${NOBODY} ${wal} ${dataDir}/member; chmod 750 ${dataDir}/member; fi`,
    'exec "$@"',
  ];
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script.join('\n'), 'sh'];
};

const logApart: NonNullable<LabOptions['configure']> = (config, { name, directory }) => {
  if (name !== 'h1') return config;
  const walDir = join(directory, 'wal');
  const command = [...(config['supervisor']?.['command'] as string[]), '--wal-dir', walDir];
  return {
    ...config,
    etcd: { ...config['etcd'], walDir },
    supervisor: { ...config['supervisor'], command },
  };
};

test.skipIf(process.getuid?.() !== 0)(
  'directories that are mount points, and a log that is a link, keep what is theirs (only root can mount)',
  async () => {
    await using scene = await openHealthyScene({
      hosts: 3,
      launcher: mounts,
      configure: logApart,
      etcdProgram: etcdThatMayFail,
    });
    const [h1, h2, h3] = threeOf(scene);
    await putKeys(h1, 300);
    const held = await contentsOf(scene, h1);
    const oldId = (await save(scene, h1)).clusterId ?? '';
    await moveLogs(scene);
    const logs = (await readdir(seen(scene, h1, 'wal'))).filter((name) => name.endsWith('.wal'));
    // h2 lost everything but its mount, and h3 does not start.
    await flags.refusesOldData(h3).set();
    process.kill(await scene.lab.etcdPid(h3), 'SIGTERM');
    await untilStopped(scene, h3);
    const pid = await scene.lab.etcdPid(h2);
    await rm(seen(scene, h2, 'etcd/member'), { recursive: true });
    process.kill(pid, 'SIGKILL');
    await untilQuorumIsLost(scene, [h1]);

    const made = await plan(scene, h2);
    const { exitCode, view } = await run(scene, h2, made);

    expect(view).toMatchObject({ phase: 'finished' });
    expect(exitCode).toBe(0);
    expect(made.measured.warnings.join()).toContain(
      `h3: ${h3.dataDir}/member/wal is a link to ${h3.directory}/wal`,
    );
    await expectContentsEverywhere(scene, held);
    await expectNewCluster(scene, made, oldId);
    await expectMountsKept(scene, view.operation, logs);
    expect((await lstat(join(h3.dataDir, 'member', 'wal'))).isDirectory()).toBe(true);
    expect((await lstat(join(h3.dataDir, `member.before-${view.operation}`, 'wal'))).isSymbolicLink()).toBe(
      true,
    );
  },
);

/** As an operator does it, who finds etcd's log on a slow disk: everything stopped, the log moved, started again. */
async function moveLogs(scene: Scene): Promise<void> {
  const [h1, , h3] = threeOf(scene);
  for (const host of [h1, h3]) await scene.lab.stopAgent(host, 'SIGTERM');
  await rename(join(h1.directory, 'wal'), join(h1.directory, 'wal-before'));
  await mkdir(join(h1.directory, 'wal'));
  await rename(join(h3.dataDir, 'member', 'wal'), join(h3.directory, 'wal'));
  await symlink(join(h3.directory, 'wal'), join(h3.dataDir, 'member', 'wal'));
  for (const host of [h1, h3]) await scene.lab.startAgent(host);
  await scene.lab.untilHealthy();
  for (const host of [h1, h3]) {
    await expect
      .poll(async () => (await scene.lab.ask(host, 'status', {})).etcd.hasQuorum, PATIENT)
      .toBe(true);
  }
}

/** A path as the agent of the host sees it. */
function seen({ lab }: Scene, host: LabHost, path: string): string {
  return join('/proc', String(lab.agentPid(host)), 'root', host.directory, path);
}

async function expectMountsKept(scene: Scene, operation: string, logs: readonly string[]): Promise<void> {
  const [h1, h2] = threeOf(scene);
  for (const [host, path] of [
    [h1, 'etcd'],
    [h1, 'wal'],
    [h2, 'etcd'],
  ] as const) {
    const entries = await readdir(seen(scene, host, path));
    expect(entries).toContain('lost+found');
    expect(entries).not.toContain('.lifeboat');
    const [inner, outer] = [await stat(seen(scene, host, path)), await stat(seen(scene, host, '.'))];
    expect(inner.dev).not.toBe(outer.dev);
  }
  expect(logs.length).toBeGreaterThan(0);
  expect(await readdir(seen(scene, h1, `wal/wal.before-${operation}`))).toEqual(
    expect.arrayContaining([...logs]),
  );
  expect((await readdir(seen(scene, h1, 'wal'))).filter((name) => name.endsWith('.wal'))).not.toEqual([]);
  expect(await readdir(seen(scene, h1, 'etcd'))).toContain(`member.before-${operation}`);
  const nobodys = { uid: NOBODY, gid: NOBODY };
  expect(await stat(seen(scene, h1, 'etcd/member'))).toMatchObject(nobodys);
  expect((await stat(seen(scene, h1, 'etcd/member'))).mode & 0o777).toBe(0o750);
  expect(await stat(seen(scene, h1, 'etcd/member/snap/db'))).toMatchObject(nobodys);
  for (const name of await readdir(seen(scene, h1, 'wal'))) {
    if (name.endsWith('0000.wal')) expect(await stat(seen(scene, h1, `wal/${name}`))).toMatchObject(nobodys);
  }
}
