import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { OperationView } from '../../src/formats/operation-view.ts';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import { etcdThatMayFail, flags, toolThatWaits } from './obstacles.ts';
import {
  clusterIdAt,
  contentsOf,
  etcdPids,
  expectContentsEverywhere,
  expectNewCluster,
  expectPhaseEverywhere,
  expectTidy,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  runUnwatched,
  save,
  threeOf,
  untilPhase,
  viewAt,
  type Scene,
} from './restore-scene.ts';

/** A cluster that works and has a snapshot on h1, whose agent will be gone. */
async function openScene(takeoverAfterSeconds: number): Promise<Scene> {
  const scene = await openHealthyScene({
    hosts: 3,
    etcdProgram: etcdThatMayFail,
    overrides: (host) => ({
      restore: {
        ...{ tool: toolThatWaits(host), takeoverAfterSeconds },
        ...{ peerGraceSeconds: 2, gateTimeoutSeconds: 60 },
      },
    }),
  });
  await putKeys(scene.lab.host(0), 500);
  await save(scene, scene.lab.host(0));
  return scene;
}

/** The command among the next ones that begins so, as words behind `lifeboat`. */
async function offered(scene: Scene, host: LabHost, made: RestorePlan, verb: string): Promise<string[]> {
  let command: string | undefined;
  await expect
    .poll(async () => {
      const view = await viewAt(scene, host, made.decided.operation);
      command = view?.next.find((line) => line.startsWith(`lifeboat restore ${verb} `));
      return command;
    }, PATIENT)
    .toBeDefined();
  return (command ?? '')
    .replace(/ {2}#.*/, '')
    .split(' ')
    .slice(1);
}

async function steer(
  scene: Scene,
  host: LabHost,
  words: readonly string[],
): Promise<{ exitCode: number; view: OperationView }> {
  const { exitCode, stdout, stderr } = await scene.lab.cli(host, '-o', 'json', ...words, '--yes');
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (last === '') throw new Error(stderr);
  return { exitCode, view: JSON.parse(last) as OperationView };
}

/** A restore that waits for h2 at the gate, while the agent that drove it is gone. */
async function leaveAtTheGate(scene: Scene): Promise<RestorePlan> {
  const [h1, h2] = threeOf(scene);
  const made = await plan(scene, h1, '--discard-current');
  await flags.waitsOnNewData(h2).set();
  runUnwatched(scene, h1, made);
  await untilPhase(scene, h1, made, 'verifying');
  await scene.lab.stopAgent(h1, 'SIGKILL');
  await flags.waitsOnNewData(h2).clear();
  return made;
}

test('a restore whose coordinator vanishes before the decision is taken over by itself, and undone', async () => {
  await using scene = await openScene(2);
  const [h1, h2, h3] = threeOf(scene);
  const held = await contentsOf(scene, h1);
  const pids = await etcdPids(scene);
  const made = await plan(scene, h1, '--discard-current');
  await flags.toolWaits(h2).set();
  runUnwatched(scene, h1, made);
  await expect.poll(() => flags.toolReached(h2).isSet(), PATIENT).toBe(true);

  await scene.lab.stopAgent(h1, 'SIGKILL');

  await untilPhase(scene, h2, made, 'aborted');
  await untilPhase(scene, h3, made, 'aborted');
  await flags.toolWaits(h2).clear();
  await scene.lab.startAgent(h1);
  await expectPhaseEverywhere(scene, made, 'aborted');
  const views = await Promise.all(scene.hosts.map((host) => viewAt(scene, host, made.decided.operation)));
  expect(views.filter((view) => view?.coordinator !== 'h1')).not.toEqual([]);
  await expectTidy(scene);
  expect(await etcdPids(scene)).toEqual(pids);
  await expectContentsEverywhere(scene, held);
});

test('a restore whose coordinator vanishes at the gate is taken over and accepted without it, and the host joins when it is back', async () => {
  await using scene = await openScene(0);
  const [h1, , h3] = threeOf(scene);
  const held = await contentsOf(scene, h1);
  const oldId = (await clusterIdAt(scene, h1)) ?? '';
  const made = await leaveAtTheGate(scene);

  const takeover = steer(scene, h3, await offered(scene, h3, made, 'takeover'));
  const accept = await offered(scene, h3, made, 'accept');
  expect(accept).toEqual(['restore', 'accept', made.decided.operation, '--without', 'h1']);
  const accepted = await steer(scene, h3, accept);

  expect(accepted).toMatchObject({ exitCode: 0, view: { phase: 'finished', without: ['h1'], epoch: 2 } });
  expect((await takeover).view).toMatchObject({ phase: 'finished', coordinator: 'h3' });
  await scene.lab.startAgent(h1);
  await expectPhaseEverywhere(scene, made, 'finished');
  await scene.lab.untilHealthy();
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
  await expectTidy(scene);
});

test('a restore whose coordinator vanishes at the gate is taken over and rolled back without it, and the host follows when it is back', async () => {
  await using scene = await openScene(0);
  const [h1, , h3] = threeOf(scene);
  await putKeys(h1, 50, 'later-');
  const held = await contentsOf(scene, h1);
  const oldId = await clusterIdAt(scene, h1);
  const made = await leaveAtTheGate(scene);

  const takeover = steer(scene, h3, await offered(scene, h3, made, 'takeover'));
  const back = await steer(scene, h3, await offered(scene, h3, made, 'rollback'));

  expect(back).toMatchObject({ exitCode: 0, view: { phase: 'rolled-back', without: ['h1'] } });
  expect((await takeover).exitCode).toBe(4);
  await scene.lab.startAgent(h1);
  await expectPhaseEverywhere(scene, made, 'rolled-back');
  await scene.lab.untilHealthy();
  await expectContentsEverywhere(scene, held);
  for (const host of scene.hosts) {
    expect(await clusterIdAt(scene, host)).toBe(oldId);
    expect(await readdir(host.dataDir)).toContain(`member.restored-${made.decided.operation}`);
  }
  await expectTidy(scene);
});
