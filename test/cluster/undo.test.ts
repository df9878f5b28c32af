import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { OperationPlan } from '../../src/formats/restore-plan.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import { etcdThatMayFail, refuseNothing, refuseWithout } from './obstacles.ts';
import {
  clusterIdAt,
  contentsOf,
  expectContentsEverywhere,
  expectNewCluster,
  expectTidy,
  loseMembers,
  openHealthyScene,
  PATIENT,
  plan,
  planUndo,
  putKeys,
  refused,
  run,
  runInBackground,
  save,
  threeOf,
  type Ended,
  type Scene,
} from './restore-scene.ts';

interface Undoable {
  /** The restore that can be undone. */
  readonly operation: string;
  /** Of the cluster before it, with all its keys. */
  readonly oldId: string;
  readonly old: readonly string[];
  /** Of the cluster that it made, with what was written since. */
  readonly newId: string;
  readonly present: readonly string[];
}

/** Keys, a snapshot, more keys, a restore that discards these, and keys that are written afterwards. */
async function restoreOverMore(scene: Scene): Promise<Undoable> {
  const [h1, h2] = threeOf(scene);
  await putKeys(h1, 300);
  await save(scene, h1);
  await putKeys(h2, 200, 'more-');
  const old = await contentsOf(scene, h1);
  const oldId = (await clusterIdAt(scene, h1)) ?? '';
  const { view, exitCode } = await run(scene, h1, await plan(scene, h1, '--discard-current'));
  expect([exitCode, view.phase]).toEqual([0, 'finished']);
  expect(view.next).toContainEqual(expect.stringContaining(`lifeboat restore undo ${view.operation}`));
  await putKeys(h2, 100, 'since-');
  const present = await contentsOf(scene, h1);
  expect([old.length, present.length]).toEqual([500, 400]);
  const newId = (await clusterIdAt(scene, h1)) ?? '';
  return { operation: view.operation, oldId, old, newId, present };
}

async function membersIn({ dataDir }: LabHost): Promise<string[]> {
  return (await readdir(dataDir)).filter((name) => name.startsWith('member')).sort();
}

/** An agent that was started, or whose etcd was, sees its cluster a moment later. */
async function expectClusterEverywhere(scene: Scene, clusterId: string): Promise<void> {
  for (const host of scene.hosts) await expect.poll(() => clusterIdAt(scene, host), PATIENT).toBe(clusterId);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Words before the command line of the agent of h2, when it starts. */
let crashing: readonly string[] = [];
const launcher = ({ name }: LabHost): readonly string[] => (name === 'h2' ? crashing : []);

/** The undo, from h1, while the agent of h2 is killed before a line of its journal, and started again. */
async function undoWithKill(
  scene: Scene,
  point: string,
  planned: () => Promise<OperationPlan>,
): Promise<Ended> {
  const [h1, h2] = threeOf(scene);
  await scene.lab.stopAgent(h2, 'SIGKILL');
  crashing = ['env', `LIFEBOAT_CRASH_AT=before ${point}`];
  await scene.lab.startAgent(h2);
  crashing = [];
  const doomed = scene.lab.agentPid(h2);
  await expect.poll(() => clusterIdAt(scene, h2), PATIENT).toBeDefined();
  const running = runInBackground(scene, h1, await planned());
  await expect.poll(() => isAlive(doomed), PATIENT).toBe(false);
  await scene.lab.startAgent(h2);
  return await running;
}

test('an undo that fails leaves the present cluster as it was, the next one goes back though an agent is killed, and a restore after that is no fork', async () => {
  await using scene = await openHealthyScene({
    hosts: 3,
    separateWalDir: true,
    etcdProgram: etcdThatMayFail,
    launcher,
  });
  const [h1, h2, h3] = threeOf(scene);
  const { operation, oldId, old, newId, present } = await restoreOverMore(scene);
  const unasked = await refused(scene, h2, 'restore', 'undo', operation);
  expect(unasked).toMatchObject({ exitCode: 2, code: 'USAGE' });
  expect(unasked.message).toContain(`lifeboat restore plan --undo ${operation}`);

  await refuseWithout(h2, join(h2.dataDir, `member.before-${operation}`));
  const first = await planUndo(scene, h1, operation);
  expect(first.measured).toMatchObject({ quorum: 'alive', lostRevisions: 1, faultTolerance: 1 });
  const failed = await run(scene, h1, first);
  expect(failed.view).toMatchObject({ phase: 'rolled-back', next: [`lifeboat restore undo ${operation}`] });
  expect(failed.exitCode).toBe(4);
  await expectClusterEverywhere(scene, newId);
  await expectContentsEverywhere(scene, present);
  await expectTidy(scene);
  for (const host of scene.hosts)
    expect(await membersIn(host)).toEqual(['member', `member.before-${operation}`]);

  await refuseNothing(h2);
  const { view, exitCode } = await undoWithKill(scene, 'committing/install-member/done', () =>
    planUndo(scene, h1, operation),
  );
  expect(view).toMatchObject({
    phase: 'finished',
    second: 'accepted',
    undoes: { operation, clusterId: oldId },
  });
  expect(exitCode).toBe(0);
  await expectClusterEverywhere(scene, oldId);
  await expectContentsEverywhere(scene, old);
  await expectTidy(scene);
  for (const host of scene.hosts) {
    expect(await membersIn(host)).toEqual(['member', `member.before-${view.operation}`]);
    const { fence, operations } = await scene.lab.ask(host, 'status', {});
    expect(fence).toBeUndefined();
    const [undone] = operations.filter((each) => each.operation === operation);
    expect(undone).toMatchObject({ undoneBy: view.operation, next: [] });
    expect(undone?.hosts.flatMap(({ setAside = [] }) => setAside)).toEqual([]);
  }
  await access(join(h3.dataDir, `member.before-${view.operation}`, 'snap', 'db'));

  const twice = await refused(scene, h1, 'restore', 'plan', '--undo', operation);
  expect(twice).toMatchObject({ exitCode: 3, code: 'UNDO_REFUSED' });
  expect(twice.message).toContain(`undone already, by ${view.operation}`);
  expect(await refused(scene, h1, 'restore', 'plan', '--undo', view.operation)).toMatchObject({
    code: 'UNDO_REFUSED',
    message: expect.stringContaining('an undo is not undone') as string,
  });
  await save(scene, h1);
  const again = await plan(scene, h1, '--discard-current');
  expect(again.decided.snapshot).toMatchObject({ clusterId: oldId, keyCount: 500 });
  expect((await run(scene, h1, again)).view.phase).toBe('finished');
  await expectContentsEverywhere(scene, old);
  await expectNewCluster(scene, again, newId);
  for (const host of scene.hosts) expect((await scene.lab.ask(host, 'status', {})).fence).toBeUndefined();
});

test('a host that missed the undo is fenced when it comes back, and rejoins the old cluster when it is told to', async () => {
  await using scene = await openHealthyScene({ hosts: 3, launcher });
  const [h1, h2, h3] = threeOf(scene);
  const { operation, oldId, old, newId } = await restoreOverMore(scene);
  await scene.lab.stopAgent(h3, 'SIGTERM');
  expect(await refused(scene, h1, 'restore', 'plan', '--undo', operation)).toMatchObject({
    code: 'GUARD_HOSTS_MISSING',
  });
  const { view } = await undoWithKill(scene, 'finishing/record-generation/started', () =>
    planUndo(scene, h1, operation, '--without', 'h3'),
  );
  expect(view.phase).toBe('finished');

  await scene.lab.startAgent(h3);

  const fenceAt = async () => {
    const { fence, etcd } = await scene.lab.ask(h3, 'status', {});
    return {
      state: fence?.state,
      by: fence?.operations,
      from: fence?.clusterId,
      to: fence?.newClusterId,
      process: etcd.process,
    };
  };
  await expect
    .poll(fenceAt, PATIENT)
    .toEqual({ state: 'superseded', by: [view.operation], from: newId, to: oldId, process: 'stopped' });
  expect((await scene.lab.cli(h3, 'member', 'rejoin', '--yes')).exitCode).toBe(0);
  await expect.poll(() => contentsOf(scene, h3), PATIENT).toEqual(old);
  await expectClusterEverywhere(scene, oldId);
  for (const host of [h1, h2]) expect(await contentsOf(scene, host)).toEqual(old);
});

test('a host with nothing to go back to has no member after the undo, and rejoins; one that missed the restore just goes on', async () => {
  await using scene = await openHealthyScene({ hosts: 5 });
  const [h1, h2, h3] = threeOf(scene);
  const [h4, h5] = [scene.lab.host(3), scene.lab.host(4)];
  await putKeys(h1, 300);
  await save(scene, h1);
  await putKeys(h2, 200, 'more-');
  const old = await contentsOf(scene, h1);
  const oldId = (await clusterIdAt(scene, h1)) ?? '';
  await loseMembers(scene, [h4]);
  await scene.lab.stopAgent(h5, 'SIGTERM');
  const restored = await run(scene, h1, await plan(scene, h1, '--discard-current', '--without', 'h5'));
  const { operation } = restored.view;
  await scene.lab.startAgent(h5);
  await expect
    .poll(async () => (await scene.lab.ask(h5, 'status', {})).fence?.state, PATIENT)
    .toBe('superseded');

  const made = await planUndo(scene, h1, operation);
  expect(made.decided.hosts.map(({ agent, action }) => [agent, action])).toEqual([
    ...['h1', 'h2', 'h3'].map((agent) => [agent, 'swap']),
    ...[
      ['h4', 'vacate'],
      ['h5', 'keep'],
    ],
  ]);
  const { view } = await run(scene, h1, made);

  expect(view.phase).toBe('finished');
  expect(view.next[0]).toBe('lifeboat member rejoin  # on h4, which has no member now');
  for (const host of [h1, h2, h3]) expect(await contentsOf(scene, host)).toEqual(old);
  await expect.poll(() => contentsOf(scene, h5).catch(() => []), PATIENT).toEqual(old);
  await expect.poll(async () => (await scene.lab.ask(h5, 'status', {})).fence, PATIENT).toBeUndefined();
  expect(await membersIn(h4)).toEqual([`member.before-${view.operation}`]);
  expect(await scene.lab.cli(h4, 'member', 'rejoin', '--yes')).toMatchObject({ exitCode: 0 });
  await expect.poll(() => contentsOf(scene, h4), PATIENT).toEqual(old);
  await expectClusterEverywhere(scene, oldId);
  await expectTidy(scene);
});
