import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { freeze } from '../support/freeze-process.ts';
import { processesNaming, type LabHost } from '../support/lab-cluster.ts';
import { etcdThatMayFail, flags, toolThatWaits } from './obstacles.ts';
import {
  clusterIdAt,
  contentsOf,
  etcdPids,
  expectContentsEverywhere,
  expectNewCluster,
  expectPhaseEverywhere,
  expectRestartedByItsAgent,
  expectTidy,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  refused,
  run,
  runInBackground,
  runUnwatched,
  save,
  threeOf,
  untilPhase,
  viewAt,
  type Scene,
} from './restore-scene.ts';

const KEYS = 1000;

/** A cluster that works and has a snapshot on h1: whatever fails, it must go on working. */
async function openLivingScene(): Promise<Scene> {
  const scene = await openHealthyScene({
    hosts: 3,
    etcdProgram: etcdThatMayFail,
    overrides: (host) => ({
      restore: { tool: toolThatWaits(host), peerGraceSeconds: 5, gateTimeoutSeconds: 30 },
    }),
  });
  await putKeys(scene.lab.host(0), KEYS);
  return scene;
}

async function untilToolWaits(host: LabHost): Promise<void> {
  await expect.poll(() => flags.toolReached(host).isSet(), PATIENT).toBe(true);
}

async function flipOneByte(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const at = Math.floor((await file.stat()).size / 2);
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.from([(byte[0] ?? 0) ^ 0x01]), 0, 1, at);
  } finally {
    await file.close();
  }
}

test('one flipped byte in the stored snapshot aborts the restore before any etcd is stopped', async () => {
  await using scene = await openLivingScene();
  const [h1, h2] = threeOf(scene);
  const snapshot = await save(scene, h1);
  const held = await contentsOf(scene, h1);
  const [pids, oldId] = [await etcdPids(scene), await clusterIdAt(scene, h1)];
  const made = await plan(scene, h2, '--discard-current');
  const { snapshots } = await scene.lab.ask(h1, 'snapshot.list', {});
  for (const { path } of snapshots) await flipOneByte(path);

  const { exitCode, view } = await run(scene, h2, made);

  expect(view).toMatchObject({ phase: 'aborted' });
  // Whoever is first says it: the host whose file it is, or one that may not fetch it any more.
  expect(['SNAPSHOT_HASH_MISMATCH', 'STORAGE_CORRUPTED']).toContain(view.failure?.code);
  expect(exitCode).toBe(7);
  expect(await etcdPids(scene)).toEqual(pids);
  expect(await clusterIdAt(scene, h1)).toBe(oldId);
  await expectContentsEverywhere(scene, held);
  await expectTidy(scene);
  expect((await scene.lab.ask(h1, 'snapshot.list', {})).snapshots).toMatchObject([
    { id: snapshot.id, grade: 'failed' },
  ]);
  expect(await refused(scene, h2, 'restore', 'plan', '--discard-current')).toMatchObject({
    exitCode: 3,
    code: 'NO_SNAPSHOT',
  });
  expect(
    await refused(scene, h2, 'restore', 'plan', '--discard-current', '--snapshot', snapshot.id),
  ).toMatchObject({
    exitCode: 3,
    code: 'SNAPSHOT_HASH_MISMATCH',
  });
});

test('an agent that is killed while it prepares aborts the restore, and nothing was stopped', async () => {
  await using scene = await openLivingScene();
  const [h1, h2] = threeOf(scene);
  await save(scene, h1);
  const held = await contentsOf(scene, h1);
  const pids = await etcdPids(scene);
  const made = await plan(scene, h1, '--discard-current');
  await flags.toolWaits(h2).set();
  const running = runInBackground(scene, h1, made);
  await untilToolWaits(h2);

  await scene.lab.stopAgent(h2, 'SIGKILL');
  const { exitCode, view } = await running;

  expect(view).toMatchObject({ phase: 'aborted', failure: { code: 'PEER_UNREACHABLE' } });
  expect(exitCode).toBe(7);
  await scene.lab.startAgent(h2);
  await expectPhaseEverywhere(scene, made, 'aborted');
  // The tool of the killed agent would go on by itself.
  await flags.toolWaits(h2).clear();
  await expect.poll(() => processesNaming(join(h2.dataDir, '.lifeboat')), PATIENT).toEqual([]);
  await expectTidy(scene);
  expect(await etcdPids(scene)).toEqual(pids);
  await expectContentsEverywhere(scene, held);
});

test('an etcd that does not start on the restored data brings every host back to the old data', async () => {
  await using scene = await openLivingScene();
  const [h1, h2] = threeOf(scene);
  await save(scene, h1);
  await putKeys(h1, 100, 'later-');
  const held = await contentsOf(scene, h1);
  const oldId = await clusterIdAt(scene, h1);
  const made = await plan(scene, h1, '--discard-current');
  await flags.refusesNewData(h2).set();

  const { exitCode, view } = await run(scene, h1, made);

  expect(view).toMatchObject({ phase: 'rolled-back', first: 'commit', second: 'rollback' });
  expect(view.failure?.message).toContain('told to refuse the new data');
  expect(exitCode).toBe(4);
  await scene.lab.untilHealthy();
  expect(held).toHaveLength(KEYS + 100);
  await expectContentsEverywhere(scene, held);
  await expectTidy(scene);
  for (const host of scene.hosts) {
    expect(await clusterIdAt(scene, host)).toBe(oldId);
    const entries = await readdir(host.dataDir);
    expect(entries).toContain(`member.restored-${view.operation}`);
    expect(entries).not.toContain(`member.before-${view.operation}`);
  }
  await expectRestartedByItsAgent(scene, h2);
});

test('a coordinator that is killed while hosts prepare ends its operation in an abort when it is back', async () => {
  await using scene = await openLivingScene();
  const [h1, h2] = threeOf(scene);
  await save(scene, h1);
  const held = await contentsOf(scene, h1);
  const pids = await etcdPids(scene);
  const made = await plan(scene, h1, '--discard-current');
  await flags.toolWaits(h2).set();
  runUnwatched(scene, h1, made);
  await untilToolWaits(h2);

  await scene.lab.stopAgent(h1, 'SIGKILL');
  await scene.lab.startAgent(h1);

  await expectPhaseEverywhere(scene, made, 'aborted');
  await expectTidy(scene);
  expect(await etcdPids(scene)).toEqual(pids);
  await expectContentsEverywhere(scene, held);
});

test('a coordinator that is killed after the decision completes its operation when it is back', async () => {
  await using scene = await openLivingScene();
  const [h1, h2] = threeOf(scene);
  await save(scene, h1);
  const held = await contentsOf(scene, h1);
  const oldId = (await clusterIdAt(scene, h1)) ?? '';
  const made = await plan(scene, h1, '--discard-current');
  await flags.waitsOnNewData(h2).set();
  runUnwatched(scene, h1, made);
  await untilPhase(scene, h1, made, 'verifying');

  await scene.lab.stopAgent(h1, 'SIGKILL');
  await scene.lab.startAgent(h1);
  await flags.waitsOnNewData(h2).clear();

  await expectPhaseEverywhere(scene, made, 'finished');
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
  await expectTidy(scene);
});

test('a participant that is killed after the decision is waited for, and completes', async () => {
  await using scene = await openLivingScene();
  const [h1, h2, h3] = threeOf(scene);
  await save(scene, h1);
  const held = await contentsOf(scene, h1);
  const oldId = (await clusterIdAt(scene, h1)) ?? '';
  const made = await plan(scene, h1, '--discard-current');
  await flags.waitsOnNewData(h2).set();
  const running = runInBackground(scene, h1, made);
  await untilPhase(scene, h1, made, 'verifying');

  await scene.lab.stopAgent(h3, 'SIGKILL');
  await flags.waitsOnNewData(h2).clear();
  await scene.lab.startAgent(h3);

  expect((await running).exitCode).toBe(0);
  await expectPhaseEverywhere(scene, made, 'finished');
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
  await expectTidy(scene);
});

test('an abort waits for an etcd that is still being stopped, and starts it again', async () => {
  await using scene = await openLivingScene();
  const [h1, h2] = threeOf(scene);
  await save(scene, h1);
  const held = await contentsOf(scene, h1);
  const made = await plan(scene, h1, '--discard-current');
  const slow = await scene.lab.etcdPid(h2);
  // It will see that it was asked to stop when it goes on.
  await freeze(slow);
  const running = runInBackground(scene, h1, made);
  await expect.poll(async () => (await hostIn(scene, h2, made))?.step, PATIENT).toBe('stop');

  const aborting = scene.lab.cli(h1, 'restore', 'abort');
  await expect.poll(async () => (await hostIn(scene, h2, made))?.phase, PATIENT).toBe('aborting');
  process.kill(slow, 'SIGCONT');

  expect((await running).view).toMatchObject({ phase: 'aborted', failure: { code: 'RESTORE_ABORTED' } });
  expect((await aborting).exitCode).toBe(0);
  await expectPhaseEverywhere(scene, made, 'aborted');
  await expectTidy(scene);
  await scene.lab.untilHealthy();
  expect(await scene.lab.etcdPid(h2)).not.toBe(slow);
  await expectContentsEverywhere(scene, held);
});

async function hostIn(scene: Scene, host: LabHost, made: RestorePlan) {
  const view = await viewAt(scene, host, made.decided.operation);
  return view?.hosts.find(({ agent }) => agent === host.name);
}
