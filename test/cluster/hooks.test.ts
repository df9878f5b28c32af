import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import type { ControlResult } from '../../src/formats/control.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import {
  clusterIdAt,
  expectTidy,
  openHealthyScene,
  PATIENT,
  plan,
  run,
  save,
  untilPhase,
  viewAt,
  type Scene,
} from './restore-scene.ts';

/** One command of each host for every occasion: it writes down when it ran, then does what `after` says. */
async function openSceneWithHooks(hosts: number): Promise<Scene> {
  return await openHealthyScene({
    hosts,
    overrides: ({ directory }) => {
      const hook = { command: [join(directory, 'hook')] };
      return { restore: { preStop: hook, postRestore: hook, onFailure: hook } };
    },
  });
}

async function setHook(host: LabHost, after: string): Promise<void> {
  const path = join(host.directory, 'hook');
  await mkdir(host.directory, { recursive: true });
  await writeFile(
    path,
    `#!/bin/sh\necho "$LIFEBOAT_HOOK $LIFEBOAT_OPERATION $LIFEBOAT_OUTCOME" >>${host.directory}/ran\n${after}\n`,
  );
  await chmod(path, 0o755);
}

async function ran(host: LabHost): Promise<string[]> {
  const text = await readFile(join(host.directory, 'ran'), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

async function hookOf(scene: Scene, host: LabHost, operation: string) {
  const { hooks = [] } = (await viewAt(scene, host, operation)) ?? {};
  return hooks.find(({ hook }) => hook === 'postRestore');
}

/** What the audit log of a host tells, once it was proved. */
async function auditAt({ lab }: Scene, host: LabHost): Promise<string[]> {
  const verified = await lab.cli(host, '--config', host.configFile, 'audit', 'verify');
  expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^sound /) as string });
  const { stdout } = await lab.cli(host, '--config', host.configFile, '-o', 'json', 'audit', 'show');
  const lines = stdout.trim().split('\n');
  return lines.map((line) => {
    const { event } = JSON.parse(line) as { event: Record<string, string> };
    return [event['event'], event['hook'], event['decision'] ?? event['outcome']]
      .filter((word) => word !== undefined)
      .join(' ');
  });
}

/** The data that the only restore set aside goes when it is named, and not before. */
async function cleanAt({ lab }: Scene, host: LabHost, operation: string): Promise<void> {
  const path = join(host.dataDir, `member.before-${operation}`);
  const unnamed = await lab.cli(host, 'restore', 'clean', '--older-than', '0d', '--yes');
  expect(unnamed).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('kept: the newest') as string,
  });
  expect(await readdir(host.dataDir)).toContain(basename(path));
  expect(await lab.cli(host, 'restore', 'clean', operation)).toMatchObject({ exitCode: 2 });
  const { items } = await lab.json<ControlResult<'restore.clean'>>(
    host,
    'restore',
    'clean',
    operation,
    '--yes',
  );
  expect(items).toMatchObject([{ path, operation, kind: 'before', fate: 'removed' }]);
  expect((await readdir(host.dataDir)).toSorted()).toEqual(['member']);
  const shown = await lab.cli(host, '--config', host.configFile, 'audit', 'show');
  expect(shown.stdout).toMatch(
    new RegExp(`set-aside-removal +begun: ${path}, by .*\n.* +done: ${path}, by `),
  );
}

test('the command runs on every host when the restore is accepted, and one that fails changes nothing', async () => {
  await using scene = await openSceneWithHooks(3);
  const [h1, h2, h3] = [scene.lab.host(0), scene.lab.host(1), scene.lab.host(2)];
  for (const host of [h1, h2]) await setHook(host, 'true');
  await setHook(h3, '[ $LIFEBOAT_HOOK = preStop ] || { echo cannot reach the clients >&2; exit 9; }');
  await save(scene, h1);

  const made = await plan(scene, h1, '--discard-current');
  const { exitCode, view } = await run(scene, h1, made);

  expect(exitCode).toBe(0);
  for (const host of [h1, h2]) {
    await expect.poll(() => hookOf(scene, host, view.operation), PATIENT).toMatchObject({ state: 'done' });
  }
  await expect.poll(() => hookOf(scene, h3, view.operation), PATIENT).toMatchObject({ state: 'failed' });
  for (const host of scene.hosts) {
    expect(await ran(host)).toEqual([`preStop ${view.operation} `, `postRestore ${view.operation} finished`]);
  }
  const status = await scene.lab.cli(h3, 'restore', 'status');
  expect(status.stdout).toContain('finished');
  expect(status.stdout).toContain('restore.postRestore FAILED here');
  expect(status.stdout).toContain('cannot reach the clients');
  expect(await auditAt(scene, h3)).toEqual([
    'operation-opened',
    'hook-ended preStop done',
    'operation-decided commit',
    'operation-decided accepted',
    'operation-ended finished',
    'hook-ended postRestore failed',
  ]);

  await cleanAt(scene, h2, view.operation);

  // A restart runs nothing again that has ended.
  await scene.lab.stopAgent(h1, 'SIGTERM');
  await scene.lab.startAgent(h1);
  expect(await hookOf(scene, h1, view.operation)).toMatchObject({ state: 'done' });
  expect(await ran(h1)).toHaveLength(2);
});

test('a command that the crash of its agent cut off runs again at the next start', async () => {
  await using scene = await openSceneWithHooks(1);
  const h1 = scene.lab.host(0);
  const wait = join(h1.directory, 'wait');
  await writeFile(wait, '');
  await setHook(h1, `[ $LIFEBOAT_HOOK = preStop ] || exec tail -f ${wait}`);
  await save(scene, h1);
  const made = await plan(scene, h1, '--discard-current');
  expect((await run(scene, h1, made)).exitCode).toBe(0);
  await expect.poll(() => ran(h1), PATIENT).toHaveLength(2);

  await scene.lab.stopAgent(h1, 'SIGKILL');
  await setHook(h1, 'true');
  await scene.lab.startAgent(h1);

  await untilPhase(scene, h1, made, 'finished');
  await expect
    .poll(() => hookOf(scene, h1, made.decided.operation), PATIENT)
    .toMatchObject({ state: 'done' });
  expect(await ran(h1)).toHaveLength(3);
});

test('a command before the stop that fails on one host aborts the restore, and every host calls for help once', async () => {
  await using scene = await openSceneWithHooks(3);
  const [h1, h2, h3] = [scene.lab.host(0), scene.lab.host(1), scene.lab.host(2)];
  const say = `echo "$LIFEBOAT_FAILURE_CODE $LIFEBOAT_FAILURE_MESSAGE" >"$(dirname "$0")/cause"`;
  for (const host of [h1, h2]) await setHook(host, say);
  await setHook(h3, `${say}\n[ $LIFEBOAT_HOOK != preStop ] || { echo the clients cling on >&2; exit 4; }`);
  await save(scene, h1);
  const oldClusterId = await clusterIdAt(scene, h1);

  const made = await plan(scene, h1, '--discard-current');
  const { exitCode, view } = await run(scene, h1, made);

  expect({ exitCode, phase: view.phase }).toEqual({ exitCode: 7, phase: 'aborted' });
  expect(view.failure).toMatchObject({
    code: 'PRE_STOP_FAILED',
    message: expect.stringMatching(/^h3: pre-stop: .*exit status 4: the clients cling on$/) as string,
  });
  for (const host of scene.hosts) {
    await untilPhase(scene, host, made, 'aborted');
    await expect
      .poll(() => ran(host), PATIENT)
      .toEqual([`preStop ${view.operation} `, `onFailure ${view.operation} aborted`]);
    expect(await readFile(join(host.directory, 'cause'), 'utf8')).toMatch(
      /^PRE_STOP_FAILED h3: .*the clients cling on$/m,
    );
  }
  expect((await auditAt(scene, h3)).toSorted()).toEqual([
    'hook-ended onFailure done',
    'hook-ended preStop failed',
    'operation-decided abort',
    'operation-ended aborted',
    'operation-opened',
  ]);
  const shown = await scene.lab.cli(
    h1,
    '--config',
    h1.configFile,
    'audit',
    'show',
    '--operation',
    view.operation,
  );
  expect(shown.stdout).toMatch(/operation-ended .* aborted: PRE_STOP_FAILED: h3: .*the clients cling on$/m);
  await scene.lab.untilHealthy();
  for (const host of scene.hosts) expect(await clusterIdAt(scene, host)).toBe(oldClusterId);
  await expectTidy(scene);
});
