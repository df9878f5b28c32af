import { expect, test } from 'vitest';
import { expectedRevision } from '../../src/restore/expected-revision.ts';
import { fittingTool } from '../integration/restore-tool/local-tools.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import { ResumingWatch } from './resuming-watch.ts';
import {
  contentsOf,
  expectContentsEverywhere,
  expectNewCluster,
  expectTidy,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  refused,
  run,
  save,
  type Scene,
} from './restore-scene.ts';

const cannotBump = !(await fittingTool()).canBumpRevision;
const WHY = '(skipped where the restore tool cannot raise revisions)';
const STEP = 1_000_000_000;

/** Puts the values one after the other, each with a revision of its own. */
async function putColours({ lab }: Scene, host: LabHost, ...values: string[]): Promise<void> {
  for (const value of values) await lab.ctl(host, 'put', 'colour', value);
}

async function revisionOf({ lab }: Scene, host: LabHost): Promise<number> {
  return (await lab.ask(host, 'status', {})).etcd.revision ?? 0;
}

test.skipIf(cannotBump)(
  `a watch from before the disaster is told "compacted", and takes no old value for a new one ${WHY}`,
  async () => {
    await using scene = await openHealthyScene({ hosts: 3 });
    const h1 = scene.lab.host(0);
    await using watch = new ResumingWatch(h1.clientUrl, 'colour');
    await putKeys(h1, 300);
    await putColours(scene, h1, 'red');
    const snapshot = await save(scene, h1);
    const held = await contentsOf(scene, h1);
    await putColours(scene, h1, 'green', 'yellow');
    await expect.poll(() => watch.values, PATIENT).toEqual(['red', 'green', 'yellow']);

    const made = await plan(scene, h1, '--discard-current');
    const { exitCode, view } = await run(scene, h1, made);

    expect(view).toMatchObject({ phase: 'finished', revisionBump: STEP });
    expect(exitCode).toBe(0);
    const revision = snapshot.revision + STEP;
    expect(made.decided.revisions).toEqual({ action: 'bump', by: STEP, to: revision });
    expect(view.result).toMatchObject({ revision, keyCount: 301 });
    await expect.poll(() => watch.compactedAt, PATIENT).toBe(revision);
    await putColours(scene, h1, 'blue');
    expect(watch.values).toEqual(['red', 'green', 'yellow']);
    expect(await scene.lab.ctl(h1, 'get', 'colour', '--print-value-only')).toBe('blue');
    await scene.lab.ctl(h1, 'put', 'colour', 'red');
    await scene.lab.ctl(h1, 'del', 'colour');
    const others = held.filter((line) => !line.startsWith(Buffer.from('colour').toString('base64')));
    await expectContentsEverywhere(scene, others);
    await expectNewCluster(scene, made, snapshot.clusterId ?? '');
    await expectTidy(scene);

    // What the raise skipped was written by nobody: going back again loses what was written since, and no more.
    const again = await plan(scene, h1, '--discard-current', '--snapshot', snapshot.id);
    const writtenSince = (await revisionOf(scene, h1)) - revision;
    expect(again.measured.lostRevisions).toBe(writtenSince);
    expect(expectedRevision(again.decided)).toBeGreaterThan(revision + STEP / 2);
  },
);

test('without the raise a watch goes on as if nothing had happened, and misses what was written', async () => {
  await using scene = await openHealthyScene({ hosts: 1 });
  const h1 = scene.lab.host(0);
  await using watch = new ResumingWatch(h1.clientUrl, 'colour');
  await putColours(scene, h1, 'red');
  await save(scene, h1);
  await putColours(scene, h1, 'green', 'yellow');
  await expect.poll(() => watch.values, PATIENT).toEqual(['red', 'green', 'yellow']);

  const made = await plan(scene, h1, '--discard-current', '--no-bump-revision');
  expect((await run(scene, h1, made)).exitCode).toBe(0);
  expect(made.decided.revisions).toEqual({ action: 'keep', lacking: [] });
  expect(made.measured.warnings.join()).toContain('Clients with watches and caches must be restarted');

  await putColours(scene, h1, 'blue', 'black', 'white');
  await expect.poll(() => watch.values, PATIENT).toEqual(['red', 'green', 'yellow', 'white']);
  expect(watch.compactedAt).toBeUndefined();
});

test.skipIf(cannotBump)(
  `the operator says by how much, also for a copy without a hash that was compacted ${WHY}`,
  async () => {
    await using scene = await openHealthyScene({ hosts: 1 });
    const h1 = scene.lab.host(0);
    await putKeys(h1, 300);
    await scene.lab.ctl(h1, 'put', 'gone', 'x');
    await scene.lab.ctl(h1, 'del', 'gone');
    const revision = await revisionOf(scene, h1);
    await scene.lab.ctl(h1, 'compact', String(revision), '--physical');
    const held = await contentsOf(scene, h1);
    const anyway = ['--skip-hash-check', '--reason', 'nothing better is left'];

    const made = await plan(
      scene,
      h1,
      '--discard-current',
      '--from-member',
      'h1',
      ...anyway,
      '--bump-revision',
      '5,000',
    );
    const { exitCode, view } = await run(scene, h1, made);

    expect(exitCode).toBe(0);
    expect(made.decided.revisions).toEqual({ action: 'bump', by: 5000, to: revision + 5000 });
    expect(view.result).toMatchObject({ revision: revision + 5000 });
    await expectContentsEverywhere(scene, held);
  },
);

test.skipIf(!cannotBump)(
  'a tool that cannot raise revisions is named in the plan, and asking for it is refused (skipped where it can)',
  async () => {
    await using scene = await openHealthyScene({ hosts: 1 });
    const h1 = scene.lab.host(0);
    await save(scene, h1);
    const made = await plan(scene, h1, '--discard-current');
    expect(made.decided.revisions).toEqual({ action: 'keep', lacking: ['h1'] });
    expect(made.measured.warnings.join()).toContain('the restore tool of h1 cannot raise it');
    expect(
      await refused(scene, h1, 'restore', 'plan', '--discard-current', '--bump-revision', '1000'),
    ).toMatchObject({ exitCode: 3, code: 'RESTORE_TOOL_UNFIT' });
  },
);
