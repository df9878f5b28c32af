import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LabHost } from '../support/lab-cluster.ts';
import {
  openHealthyScene,
  PATIENT,
  plan,
  run,
  save,
  untilPhase,
  viewAt,
  type Scene,
} from './restore-scene.ts';

/** A hook of each host: it writes down that it ran, then does what `after` says. */
async function openSceneWithHooks(hosts: number): Promise<Scene> {
  return await openHealthyScene({
    hosts,
    overrides: ({ directory }) => ({ restore: { postRestore: { command: [join(directory, 'hook')] } } }),
  });
}

async function setHook(host: LabHost, after: string): Promise<void> {
  const path = join(host.directory, 'hook');
  await mkdir(host.directory, { recursive: true });
  await writeFile(
    path,
    `#!/bin/sh\necho "$LIFEBOAT_OPERATION $LIFEBOAT_OUTCOME" >>${host.directory}/ran\n${after}\n`,
  );
  await chmod(path, 0o755);
}

async function ran(host: LabHost): Promise<string[]> {
  const text = await readFile(join(host.directory, 'ran'), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

async function hookOf(scene: Scene, host: LabHost, operation: string) {
  return (await viewAt(scene, host, operation))?.postRestore;
}

test('the command runs on every host when the restore is accepted, and one that fails changes nothing', async () => {
  await using scene = await openSceneWithHooks(3);
  const [h1, h2, h3] = [scene.lab.host(0), scene.lab.host(1), scene.lab.host(2)];
  for (const host of [h1, h2]) await setHook(host, 'true');
  await setHook(h3, 'echo cannot reach the clients >&2; exit 9');
  await save(scene, h1);

  const made = await plan(scene, h1, '--discard-current');
  const { exitCode, view } = await run(scene, h1, made);

  expect(exitCode).toBe(0);
  for (const host of [h1, h2]) {
    await expect.poll(() => hookOf(scene, host, view.operation), PATIENT).toEqual({ state: 'done' });
  }
  await expect.poll(() => hookOf(scene, h3, view.operation), PATIENT).toMatchObject({ state: 'failed' });
  for (const host of scene.hosts) expect(await ran(host)).toEqual([`${view.operation} finished`]);
  const status = await scene.lab.cli(h3, 'restore', 'status');
  expect(status.stdout).toContain('finished');
  expect(status.stdout).toContain('restore.postRestore FAILED here');
  expect(status.stdout).toContain('cannot reach the clients');
  const audit = (await readFile(join(h3.directory, 'state', 'audit.jsonl'), 'utf8')).trim().split('\n');
  expect(audit.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ outcome: 'finished' }),
    expect.objectContaining({ operation: view.operation, postRestore: 'failed' }),
  ]);

  // A restart runs nothing again that has ended.
  await scene.lab.stopAgent(h1, 'SIGTERM');
  await scene.lab.startAgent(h1);
  expect(await hookOf(scene, h1, view.operation)).toEqual({ state: 'done' });
  expect(await ran(h1)).toHaveLength(1);
});

test('a command that the crash of its agent cut off runs again at the next start', async () => {
  await using scene = await openSceneWithHooks(1);
  const h1 = scene.lab.host(0);
  const wait = join(h1.directory, 'wait');
  await writeFile(wait, '');
  await setHook(h1, `[ ! -e ${wait} ] || exec tail -f ${wait}`);
  await save(scene, h1);
  const made = await plan(scene, h1, '--discard-current');
  expect((await run(scene, h1, made)).exitCode).toBe(0);
  await expect.poll(() => ran(h1), PATIENT).toHaveLength(1);

  await scene.lab.stopAgent(h1, 'SIGKILL');
  await setHook(h1, 'true');
  await scene.lab.startAgent(h1);

  await untilPhase(scene, h1, made, 'finished');
  await expect.poll(() => hookOf(scene, h1, made.decided.operation), PATIENT).toEqual({ state: 'done' });
  expect(await ran(h1)).toHaveLength(2);
});
