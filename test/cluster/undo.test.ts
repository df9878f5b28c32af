import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LabHost } from '../support/lab-cluster.ts';
import { etcdThatMayFail, refuseNothing, refuseWithout } from './obstacles.ts';
import {
  clusterIdAt,
  contentsOf,
  expectContentsEverywhere,
  expectNewCluster,
  expectTidy,
  openHealthyScene,
  plan,
  planUndo,
  putKeys,
  refused,
  run,
  save,
  threeOf,
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

async function expectClusterEverywhere(scene: Scene, clusterId: string): Promise<void> {
  for (const host of scene.hosts) expect(await clusterIdAt(scene, host)).toBe(clusterId);
}

test.each([
  { separateWalDir: false, where: 'in the data dir' },
  { separateWalDir: true, where: 'in a directory of its own' },
])(
  'an undo brings the old cluster back with every key, and the next restore is no fork (WAL $where)',
  async ({ separateWalDir }) => {
    await using scene = await openHealthyScene({ hosts: 3, separateWalDir });
    const [h1, h2, h3] = threeOf(scene);
    const { operation, oldId, old, newId } = await restoreOverMore(scene);

    const unasked = await refused(scene, h2, 'restore', 'undo', operation);
    expect(unasked).toMatchObject({ exitCode: 2, code: 'USAGE' });
    expect(unasked.message).toContain(`lifeboat restore plan --undo ${operation}`);
    const made = await planUndo(scene, h2, operation);
    expect(made.measured).toMatchObject({ quorum: 'alive', lostRevisions: 1, faultTolerance: 1 });
    const { view, exitCode } = await run(scene, h2, made);

    expect(view).toMatchObject({
      phase: 'finished',
      second: 'accepted',
      undoes: { operation, clusterId: oldId },
    });
    expect(exitCode).toBe(0);
    await expectContentsEverywhere(scene, old);
    await expectClusterEverywhere(scene, oldId);
    await expectTidy(scene);
    for (const host of scene.hosts) {
      expect(await membersIn(host)).toEqual(['member', `member.before-${view.operation}`]);
      const { fence, operations } = await scene.lab.ask(host, 'status', {});
      expect(fence).toBeUndefined();
      expect(operations[0]?.next).not.toContainEqual(expect.stringContaining('undo'));
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
  },
);

test('an undo whose cluster does not come up leaves the present one with all its keys, and can be tried again', async () => {
  await using scene = await openHealthyScene({ hosts: 3, etcdProgram: etcdThatMayFail });
  const [h1, h2] = threeOf(scene);
  const { operation, oldId, old, newId, present } = await restoreOverMore(scene);
  await refuseWithout(h2, join(h2.dataDir, `member.before-${operation}`));

  const failed = await run(scene, h1, await planUndo(scene, h1, operation));

  expect(failed.view).toMatchObject({ phase: 'rolled-back', next: [`lifeboat restore undo ${operation}`] });
  expect(failed.exitCode).toBe(4);
  await expectClusterEverywhere(scene, newId);
  await expectContentsEverywhere(scene, present);
  await expectTidy(scene);
  for (const host of scene.hosts)
    expect(await membersIn(host)).toEqual(['member', `member.before-${operation}`]);

  await refuseNothing(h2);
  expect((await run(scene, h1, await planUndo(scene, h1, operation))).view.phase).toBe('finished');
  await expectClusterEverywhere(scene, oldId);
  await expectContentsEverywhere(scene, old);
});
