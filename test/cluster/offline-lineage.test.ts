import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startEtcd } from '../support/etcd-process.ts';
import { putMany } from '../support/put-many.ts';
import { etcdThatMayFail, flags } from './obstacles.ts';
import {
  clusterIdAt,
  copy,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  refused,
  threeOf,
  type Scene,
} from './restore-scene.ts';

const OF_A_COPY = ['--skip-hash-check', '--reason', 'a copy is all there is'];

/** Every etcd is killed, and none comes up again. */
async function killForGood(scene: Scene): Promise<void> {
  for (const host of scene.hosts) await flags.refusesOldData(host).set();
  for (const host of scene.hosts) {
    const pid = await scene.lab.etcdPid(host);
    if (pid !== 0) process.kill(pid, 'SIGKILL');
  }
  for (const host of scene.hosts) {
    await expect
      .poll(async () => (await scene.lab.ask(host, 'status', {})).etcd.process, PATIENT)
      .not.toBe('running');
  }
}

/** A data directory of one member of another cluster, which went further. */
async function putForeignMemberInto(dataDir: string): Promise<void> {
  await using foreign = await startEtcd({ name: 'h3' });
  await putMany(foreign, 500);
  await foreign.stop();
  await rm(join(dataDir, 'member'), { recursive: true });
  await cp(join(foreign.dataDir, 'member'), join(dataDir, 'member'), { recursive: true });
}

test('of two copies of stopped members, the one of this cluster is restored and the one of another is refused', async () => {
  await using scene = await openHealthyScene({ hosts: 3, etcdProgram: etcdThatMayFail });
  const [h1, h2, h3] = threeOf(scene);
  await putKeys(h1, 300);
  const clusterId = await clusterIdAt(scene, h1);
  await killForGood(scene);
  await putForeignMemberInto(h3.dataDir);

  const own = await copy(scene, h2);
  const foreign = await copy(scene, h3);
  const latest = await plan(scene, h1, ...OF_A_COPY);
  const refusal = await refused(scene, h1, 'restore', 'plan', '--from-member', 'h3', ...OF_A_COPY);
  const allowed = await plan(scene, h1, '--from-member', 'h3', '--allow-foreign', ...OF_A_COPY);

  expect(own).toMatchObject({ method: 'offline-copy', clusterId });
  expect(own.walEntriesNewer).toBeGreaterThanOrEqual(0);
  expect(foreign).toMatchObject({ method: 'offline-copy', memberName: 'h3' });
  expect(foreign.revision).toBeGreaterThan(own.revision);
  // The foreign one is newer, and is not chosen.
  expect(latest.decided.snapshot).toMatchObject({ id: own.id, clusterId });
  expect(latest.decided.supersedes).toMatchObject({ clusterId });
  expect(latest.measured.warnings.join('\n')).toContain(
    `its data is of cluster ${String(foreign.clusterId)}, by the WAL in ${join(h3.dataDir, 'member', 'wal')}, and its agent last saw it in cluster ${String(clusterId)}`,
  );
  expect(refusal).toMatchObject({ exitCode: 3, code: 'GUARD_FOREIGN_SNAPSHOT' });
  expect(refusal.message).toContain(
    `is of cluster ${String(foreign.clusterId)}, the hosts are of ${String(clusterId)}`,
  );
  expect(allowed.decided.snapshot.clusterId).toBe(foreign.clusterId);
});
