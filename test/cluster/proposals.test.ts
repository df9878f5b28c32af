import { expect, test } from 'vitest';
import type { LabHost } from '../support/lab-cluster.ts';
import { etcdThatMayFail, flags } from './obstacles.ts';
import {
  contentsOf,
  expectContentsEverywhere,
  loseMembers,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  refused,
  save,
  threeOf,
  untilQuorumIsLost,
  type Scene,
} from './restore-scene.ts';

/** What a plan that is refused proposes instead. */
async function proposedInstead(scene: Scene, host: LabHost): Promise<string[]> {
  expect(await refused(scene, host, 'restore', 'plan')).toMatchObject({ code: 'GUARD_QUORUM_ALIVE' });
  const { stderr } = await scene.lab.cli(host, 'restore', 'plan');
  return stderr.split('\n').flatMap((line) => /^ +- (.*)$/.exec(line)?.[1] ?? []);
}

/** Also where the member that died was the leader. */
async function untilQuorumIsBack({ lab }: Scene, hosts: readonly LabHost[]): Promise<void> {
  for (const host of hosts) {
    await expect.poll(async () => (await lab.ask(host, 'status', {})).etcd.hasQuorum, PATIENT).toBe(true);
  }
}

async function untilNotServing({ lab }: Scene, host: LabHost): Promise<void> {
  await expect
    .poll(async () => (await lab.ask(host, 'status', {})).etcd.process, PATIENT)
    .not.toBe('running');
}

test('what loses least is proposed first, and does what it says', async () => {
  await using scene = await openHealthyScene({ hosts: 3, etcdProgram: etcdThatMayFail });
  const [h1, h2, h3] = threeOf(scene);
  await putKeys(h1, 100);
  await save(scene, h1);
  await putKeys(h1, 10, 'later-');
  const contents = await contentsOf(scene, h1);
  expect(await proposedInstead(scene, h2)).toEqual([
    'the cluster has quorum and every member serves it (h1, h2, h3). Loses nothing.',
  ]);

  await loseMembers(scene, [h3]);
  await untilQuorumIsBack(scene, [h1, h2]);
  expect(await proposedInstead(scene, h2)).toEqual([
    expect.stringMatching(/^bring h3 into the living cluster/),
  ]);

  await flags.refusesOldData(h2).set();
  process.kill(await scene.lab.etcdPid(h2), 'SIGKILL');
  await untilNotServing(scene, h2);
  await untilQuorumIsLost(scene, [h1]);
  const { proposals = [], lostRevisions } = (await plan(scene, h1)).measured;
  expect(lostRevisions).toBeGreaterThan(0);
  expect(proposals).toMatchObject([
    { action: 'start', hosts: ['h2'], loss: 'nothing' },
    { action: 'restore', lostRevisions: 0, command: expect.stringContaining('snapshot save') as string },
    { action: 'restore', lostRevisions },
  ]);

  await flags.refusesOldData(h2).clear();
  await scene.lab.stopAgent(h2, 'SIGTERM');
  await scene.lab.startAgent(h2);
  await untilQuorumIsBack(scene, [h1, h2]);
  expect((await scene.lab.cli(h3, 'member', 'replace', h3.name, '--yes')).exitCode).toBe(0);
  await expectContentsEverywhere(scene, contents);
});
