import { execa, execaSync } from 'execa';
import { mkdirSync } from 'node:fs';
import { chmod, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LIFEBOAT, startLab, type LabHost } from '../support/lab-cluster.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { flags, toolThatWaits } from './obstacles.ts';
import {
  clusterIdAt,
  contentsOf,
  etcdPids,
  expectContentsEverywhere,
  expectNewCluster,
  expectPhaseEverywhere,
  expectTidy,
  loseMembers,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  refused,
  run,
  runUnwatched,
  save,
  untilQuorumIsLost,
  viewAt,
  type Scene,
} from './restore-scene.ts';

const KEYS = 200;

// Refusals change nothing, so one cluster stands for all of them. It works, and h1 holds a snapshot of it.
let scene: Scene;
let h1: LabHost;
let h2: LabHost;
let h3: LabHost;

beforeAll(async () => {
  scene = await openHealthyScene({
    hosts: 3,
    overrides: (host) => ({ restore: { tool: toolThatWaits(host), peerGraceSeconds: 5 } }),
  });
  [h1, h2, h3] = [scene.lab.host(0), scene.lab.host(1), scene.lab.host(2)];
  await putKeys(h1, KEYS);
  await save(scene, h1);
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

test('a cluster that has quorum is not restored, unless its present is to be discarded', async () => {
  expect(await refused(scene, h2, 'restore', 'plan')).toMatchObject({
    exitCode: 3,
    code: 'GUARD_QUORUM_ALIVE',
  });
  expect((await plan(scene, h2, '--discard-current')).measured.quorum).toBe('alive');
});

test('a host without a restore tool is named before anything begins', async () => {
  const tool = join(h3.directory, 'scripts', 'waiting-tool');
  await chmod(tool, 0o644);
  try {
    const refusal = await refused(scene, h1, 'restore', 'plan', '--discard-current');
    expect(refusal).toMatchObject({ exitCode: 3, code: 'RESTORE_TOOL_MISSING' });
    expect(refusal.message).toContain('h3');
  } finally {
    await chmod(tool, 0o755);
  }
});

test('only a plan that was made here can be confirmed', async () => {
  const other = await plan(scene, h2, '--discard-current');
  for (const hash of ['0'.repeat(64), other.hash]) {
    expect(await refused(scene, h1, 'restore', 'run', '--confirm', hash)).toMatchObject({
      exitCode: 3,
      code: 'PLAN_UNKNOWN',
    });
  }
});

test('a plan is used once, and no second restore begins while one runs', async () => {
  const pids = await etcdPids(scene);
  const second = await plan(scene, h2, '--discard-current');
  const made = await plan(scene, h1, '--discard-current');
  await flags.toolWaits(h3).set();
  runUnwatched(scene, h1, made);
  await expect.poll(() => flags.toolReached(h3).isSet(), PATIENT).toBe(true);

  expect(await refused(scene, h1, 'restore', 'run', '--confirm', made.hash)).toMatchObject({
    exitCode: 3,
    code: 'PLAN_UNKNOWN',
  });
  expect(await refused(scene, h3, 'restore', 'plan', '--discard-current')).toMatchObject({
    exitCode: 3,
    code: 'OPERATION_IN_PROGRESS',
  });
  expect(await refused(scene, h2, 'restore', 'run', '--confirm', second.hash)).toMatchObject({
    exitCode: 3,
    code: 'OPERATION_IN_PROGRESS',
  });

  // Asked of a host that only takes part.
  expect((await scene.lab.cli(h2, 'restore', 'abort')).exitCode).toBe(0);
  await flags.toolWaits(h3).clear();
  await expectPhaseEverywhere(scene, made, 'aborted');
  await expectTidy(scene);
  expect(await etcdPids(scene)).toEqual(pids);
});

test('a host that does not answer is missing, and is not dead while its etcd answers', async () => {
  await scene.lab.stopAgent(h3, 'SIGKILL');
  try {
    const missing = await refused(scene, h1, 'restore', 'plan', '--discard-current');
    expect(missing).toMatchObject({ exitCode: 3, code: 'GUARD_HOSTS_MISSING' });
    expect(missing.message).toContain('h3');
    const alive = await refused(scene, h1, 'restore', 'plan', '--discard-current', '--without', 'h3');
    expect(alive).toMatchObject({ exitCode: 3, code: 'GUARD_HOST_ALIVE' });
    expect(alive.message).toContain(h3.peerUrl);
  } finally {
    await scene.lab.startAgent(h3);
  }
  const refusal = await refused(scene, h1, 'restore', 'plan', '--discard-current', '--without', 'h3');
  expect(refusal).toMatchObject({ exitCode: 3, code: 'GUARD_HOST_ALIVE' });
});

test('Ctrl-C ends the watching of a restore, and not the restore', async () => {
  const held = await contentsOf(scene, h1);
  const oldId = (await clusterIdAt(scene, h1)) ?? '';
  await save(scene, h1);
  const made = await plan(scene, h1, '--discard-current');
  await flags.toolWaits(h3).set();
  const words = [LIFEBOAT, '--socket', h1.socket, 'restore', 'run', '--confirm', made.hash];
  const watching = execa(process.execPath, words, { reject: false });
  await expect
    .poll(async () => (await viewAt(scene, h1, made.decided.operation))?.phase, PATIENT)
    .toBe('preparing');

  watching.kill('SIGINT');
  const { exitCode, stderr } = await watching;
  await flags.toolWaits(h3).clear();

  expect(exitCode).toBe(130);
  expect(stderr).toContain(`restore watch ${made.decided.operation}`);
  await expectPhaseEverywhere(scene, made, 'finished');
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
});

test('a snapshot of another cluster is refused, and restored when that is what the operator wants', async () => {
  await using elsewhere = await openHealthyScene({ hosts: 1 });
  const other = elsewhere.lab.host(0);
  await putKeys(other, 5, 'other-');
  const held = await contentsOf(elsewhere, other);
  const { id } = await save(elsewhere, other);
  const snapshots = (host: LabHost): string => join(host.directory, 'state', 'snapshots', id);
  await cp(snapshots(other), snapshots(h1), { recursive: true });
  const wish = ['--discard-current', '--snapshot', id];

  expect(await refused(scene, h2, 'restore', 'plan', ...wish)).toMatchObject({
    exitCode: 3,
    code: 'GUARD_FOREIGN_SNAPSHOT',
  });
  const made = await plan(scene, h2, ...wish, '--allow-foreign');
  const { exitCode } = await run(scene, h2, made);

  expect(exitCode).toBe(0);
  await expectContentsEverywhere(scene, held);
});

test('without a dead host the others form a new cluster, and the plan says what it tolerates', async () => {
  await using fewer = await openHealthyScene({ hosts: 3 });
  const [first, second, dead] = [fewer.lab.host(0), fewer.lab.host(1), fewer.lab.host(2)];
  await putKeys(first, KEYS);
  await save(fewer, first);
  const held = await contentsOf(fewer, first);
  const oldId = (await clusterIdAt(fewer, first)) ?? '';
  await loseMembers(fewer, [second, dead]);
  await fewer.lab.stopAgent(dead, 'SIGKILL');
  await untilQuorumIsLost(fewer, [first]);

  const made = await plan(fewer, first, '--without', 'h3');
  const { exitCode, view } = await run(fewer, first, made);

  expect(view).toMatchObject({ phase: 'finished' });
  expect(exitCode).toBe(0);
  expect(made.measured.faultTolerance).toBe(0);
  expect(made.decided.without).toMatchObject([{ agent: 'h3' }]);
  expect(made.decided.without[0]?.urls).toContain(dead.peerUrl);
  const survivors: Scene = { ...fewer, hosts: [first, second] };
  await expectContentsEverywhere(survivors, held);
  await expectNewCluster(survivors, made, oldId);
});

const canMount =
  process.getuid?.() === 0 && execaSync('unshare', ['--mount', 'true'], { reject: false }).exitCode === 0;

test.skipIf(!canMount)(
  'a disk without room for a second database refuses (needs root, to mount one)',
  async () => {
    await using scratch = await temporaryDirectory();
    using _disk = smallDisk(join(scratch.path, 'h1', 'etcd'));
    await using lab = await startLab({ hosts: 1, directory: scratch.path });
    const host = lab.host(0);
    const small: Scene = { ...scene, lab, hosts: [host] };
    await lab.untilHealthy();
    await save(small, host);

    const refusal = await refused(small, host, 'restore', 'plan', '--discard-current');

    expect(refusal).toMatchObject({ exitCode: 3, code: 'GUARD_SPACE' });
    expect(refusal.message).toContain(host.dataDir);
  },
);

/** etcd itself fits, with what it preallocates. */
function smallDisk(path: string): Disposable {
  mkdirSync(path, { recursive: true });
  execaSync('mount', ['-t', 'tmpfs', '-o', 'size=240m,mode=0700', 'tmpfs', path]);
  return {
    [Symbol.dispose]: () => {
      execaSync('umount', [path]);
    },
  };
}
