import { existsSync } from 'node:fs';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DrillResult } from '../../src/formats/control.ts';
import { etcdBinary } from '../support/etcd-binaries.ts';
import { processesNaming, type LabHost } from '../support/lab-cluster.ts';
import { makeUnbootable } from '../support/unbootable.ts';
import {
  clusterIdAt,
  contentsOf,
  etcdPids,
  expectContentsEverywhere,
  expectTidy,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  refused,
  run,
  save,
  threeOf,
} from './restore-scene.ts';

/** An etcd that, asked to be anything but the real one, waits for ever: the scratch directory is in its arguments. */
async function writeEtcdThatWaitsInDrills({ directory }: { directory: string }): Promise<void> {
  const path = join(directory, 'etcd-of-drills');
  const lines = [
    '#!/bin/bash',
    `[ "$1" = --version ] && exec ${etcdBinary('etcd')} --version`,
    `mkfifo ${directory}/never-written; read -r line < ${directory}/never-written`,
  ];
  await writeFile(path, `${lines.join('\n')}\n`);
  await chmod(path, 0o755);
}

async function drillsOf(host: LabHost): Promise<number[]> {
  return await processesNaming(`--data-dir=${host.directory}/state/snapshots/drill/`);
}

test('a rehearsal that etcd panics in aborts the restore with the words of etcd, and no member has noticed', async () => {
  await using scene = await openHealthyScene({ hosts: 3 });
  const [h1, h2, h3] = threeOf(scene);
  await putKeys(h1, 1000);
  const { id } = await save(scene, h1);
  const file = join(scene.directory, 'unbootable.db');
  await scene.lab.json(h1, 'snapshot', 'export', id, file);
  await makeUnbootable(file);
  const before = await contentsOf(scene, h1);
  const [pids, clusterId] = [await etcdPids(scene), await clusterIdAt(scene, h1)];

  const made = await plan(scene, h2, '--file', file, '--discard-current', '--allow-foreign');
  // The file has no cluster ID, and passes every proof of its bytes and pages.
  expect(made.decided.snapshot.grade).toBe('hashed');
  expect(made.decided.rehearsal).toEqual({ action: 'run', agent: 'h2' });
  const { exitCode, view } = await run(scene, h2, made);

  expect(view.phase).toBe('aborted');
  expect(exitCode).toBe(7);
  expect(view.failure?.code).toBe('SNAPSHOT_UNBOOTABLE');
  expect(view.failure?.message).toMatch(/rehearse: .*panic: runtime error: index out of range/s);
  expect(await etcdPids(scene)).toEqual(pids);
  expect(await clusterIdAt(scene, h3)).toBe(clusterId);
  await expectContentsEverywhere(scene, before);
  await expectTidy(scene);
  expect(await drillsOf(h2)).toEqual([]);
  // All hosts hold the same bytes by now, and none offers them any more.
  const bad = made.decided.snapshot.id;
  const again = await refused(
    scene,
    h3,
    'restore',
    'plan',
    '--snapshot',
    bad,
    '--discard-current',
    '--allow-foreign',
  );
  expect(again).toMatchObject({
    code: 'SNAPSHOT_HASH_MISMATCH',
    message: expect.stringContaining('panic') as string,
  });
  const hurried = await scene.lab.cli(h3, 'restore', 'plan', '--discard-current', '--no-rehearsal');
  expect(hurried.stdout).toContain(id);
  expect(hurried.stdout).toMatch(/rehearsal +NONE, as you said/);
  expect(hurried.stdout).toContain('! Nobody rehearses (--no-rehearsal)');

  const { manifest, served } = await scene.lab.json<DrillResult>(h1, 'drill', 'run', id);
  expect([manifest.grade, served.keyCount]).toEqual(['booted', 1000]);
  expect((await scene.lab.cli(h1, 'snapshot', 'list')).stdout).toMatch(/ booted /);
  const next = await plan(scene, h3, '--discard-current');
  expect(next.decided.snapshot.id).toBe(id);
  expect(next.decided.rehearsal).toEqual({ action: 'skip', because: 'booted' });
});

test('what an agent that was killed in a drill left behind is ended and removed when it starts again', async () => {
  await using scene = await openHealthyScene({
    hosts: 1,
    configure: (config, host) => ({
      ...config,
      etcd: { ...config['etcd'], binary: join(host.directory, 'etcd-of-drills') },
    }),
  });
  const host = scene.lab.host(0);
  await writeEtcdThatWaitsInDrills(host);
  await save(scene, host);
  const drilling = scene.lab.cli(host, 'drill', 'run');
  // The restore tool, which runs before, names the directory too.
  await expect.poll(() => existsSync(join(host.directory, 'never-written')), PATIENT).toBe(true);
  expect(await drillsOf(host)).toHaveLength(1);
  expect((await scene.lab.cli(host, 'status')).stdout).toMatch(/running +a throw-away etcd/);
  const pid = await scene.lab.etcdPid(host);
  await scene.lab.stopAgent(host, 'SIGKILL');
  expect((await drilling).exitCode).toBe(6);
  expect(await drillsOf(host)).toHaveLength(1);

  await scene.lab.startAgent(host);

  expect(await drillsOf(host)).toEqual([]);
  expect(await readdir(join(host.directory, 'state', 'snapshots'))).not.toContain('drill');
  expect(await scene.lab.etcdPid(host)).toBe(pid);
});
