import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectedRevision } from '../../src/restore/expected-revision.ts';
import { etcdThatMayFail, flags } from './obstacles.ts';
import {
  clusterIdAt,
  contentsOf,
  copy,
  expectContentsEverywhere,
  expectNewCluster,
  expectTidy,
  loseMembers,
  openHealthyScene,
  plan,
  putKeys,
  refused,
  run,
  save,
  threeOf,
  untilQuorumIsLost,
  untilStopped,
} from './restore-scene.ts';

const KEYS = 10_000;

test('a cluster that lost quorum comes back from a streamed snapshot with every key as it was', async () => {
  await using scene = await openHealthyScene({ hosts: 3 });
  const [h1, h2, h3] = threeOf(scene);
  await putKeys(h1, KEYS);
  const snapshot = await save(scene, h1);
  const held = await contentsOf(scene, h1);
  await putKeys(h1, 500, 'lost-');
  const oldId = snapshot.clusterId ?? '';
  await loseMembers(scene, [h2, h3]);
  await untilQuorumIsLost(scene, [h1]);

  const made = await plan(scene, h1);
  const { exitCode, view, phases } = await run(scene, h1, made);

  expect(view).toMatchObject({ phase: 'finished', first: 'commit', second: 'accepted' });
  expect(exitCode).toBe(0);
  expect(phases).toContain('verifying');
  expect(snapshot).toMatchObject({ grade: 'hashed', keyCount: KEYS });
  // Only h1 holds it. It was booted there before anything was stopped.
  expect(made.decided.rehearsal).toEqual({ action: 'run', agent: 'h1' });
  const { snapshots } = await scene.lab.ask(h1, 'snapshot.list', {});
  expect(snapshots.find(({ id }) => id === snapshot.id)?.grade).toBe('booted');
  expect(made.measured).toMatchObject({ quorum: 'lost', lostRevisions: 5, faultTolerance: 1 });
  expect(view.result).toMatchObject({ keyCount: KEYS, revision: expectedRevision(made.decided) });
  expect(held).toHaveLength(KEYS);
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
  await expectTidy(scene);
  await access(join(h1.dataDir, `member.before-${view.operation}`, 'snap', 'db'));
});

const ANYWAY = ['--skip-hash-check', '--reason', 'nothing better is left'];

test('a copy of a running member has no hash, so it is restored only when the operator says so in words', async () => {
  await using scene = await openHealthyScene({ hosts: 3 });
  const [h1, h2, h3] = threeOf(scene);
  await putKeys(h1, KEYS);
  const held = await contentsOf(scene, h2);
  const snapshot = await copy(scene, h2);
  await loseMembers(scene, [h1, h3]);
  await untilQuorumIsLost(scene, [h2]);

  // Asked of a host that does not hold it.
  expect(await refused(scene, h1, 'restore', 'plan', '--snapshot', snapshot.id)).toMatchObject({
    exitCode: 3,
    code: 'SNAPSHOT_UNPROVED',
  });
  const made = await plan(scene, h1, '--snapshot', snapshot.id, ...ANYWAY);
  const { exitCode, view } = await run(scene, h1, made);

  expect(view).toMatchObject({ phase: 'finished' });
  expect(exitCode).toBe(0);
  expect(snapshot).toMatchObject({ grade: 'raw', hasTrailer: false, method: 'pinned-copy' });
  expect(made.decided).toMatchObject({ skipHashCheck: true, holders: ['h2'] });
  expect(held).toHaveLength(KEYS);
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, snapshot.clusterId ?? '');
  await expectTidy(scene);
});

test('the database of a member that no longer starts brings the cluster back', async () => {
  await using scene = await openHealthyScene({ hosts: 3, etcdProgram: etcdThatMayFail });
  const [h1] = threeOf(scene);
  await putKeys(h1, KEYS);
  const held = await contentsOf(scene, h1);
  const oldId = (await clusterIdAt(scene, h1)) ?? '';
  for (const host of scene.hosts) await flags.refusesOldData(host).set();
  for (const host of scene.hosts) process.kill(await scene.lab.etcdPid(host), 'SIGTERM');
  for (const host of scene.hosts) await untilStopped(scene, host);

  expect(await refused(scene, h1, 'restore', 'plan', '--from-member', 'h1')).toMatchObject({
    exitCode: 3,
    code: 'SNAPSHOT_UNPROVED',
  });
  const made = await plan(scene, h1, '--from-member', 'h1', ...ANYWAY);
  const { exitCode, view } = await run(scene, h1, made);

  expect(view).toMatchObject({ phase: 'finished' });
  expect(exitCode).toBe(0);
  // Down, or in the wait between two of its tries to start.
  for (const { found } of made.decided.hosts) expect(['stopped', 'restarting']).toContain(found);
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
  await expectTidy(scene);
});
