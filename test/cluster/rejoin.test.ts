import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LabHost } from '../support/lab-cluster.ts';
import {
  clusterIdAt,
  contentsOf,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  run,
  save,
  threeOf,
  type Scene,
} from './restore-scene.ts';

async function fenceAt({ lab }: Scene, host: LabHost) {
  const { fence, etcd } = await lab.ask(host, 'status', {});
  return { state: fence?.state, process: etcd.process };
}

async function metricAt(host: LabHost, name: string): Promise<string | undefined> {
  const text = await (await fetch(`${host.monitoringUrl}/metrics`)).text();
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
}

test('a host that missed a restore is fenced when it comes back', async () => {
  await using scene = await openHealthyScene({ hosts: 3 });
  const [h1, h2, h3] = threeOf(scene);
  await putKeys(h1, 300);
  await save(scene, h1);
  const oldId = await clusterIdAt(scene, h1);
  await scene.lab.stopAgent(h3, 'SIGTERM');
  const made = await plan(scene, h1, '--discard-current', '--without', 'h3');
  expect(made.decided.supersedes?.memberIds).toHaveLength(3);
  expect((await run(scene, h1, made)).exitCode).toBe(0);
  await putKeys(h2, 100, 'later-');
  const newId = (await clusterIdAt(scene, h1)) ?? '';

  await scene.lab.startAgent(h3);

  await expect.poll(() => fenceAt(scene, h3), PATIENT).toEqual({ state: 'superseded', process: 'stopped' });
  const { fence } = await scene.lab.ask(h3, 'status', {});
  expect(fence).toMatchObject({
    operations: [made.decided.operation],
    clusterId: oldId,
    newClusterId: newId,
    next: ['lifeboat member rejoin'],
  });
  expect((await scene.lab.cli(h3, 'status')).stdout).toContain('lifeboat member rejoin');
  expect(await metricAt(h3, 'etcd_lifeboat_fenced')).toBe('1');
  expect(await metricAt(h1, 'etcd_lifeboat_fenced')).toBe('0');
  const ready = await fetch(`${h3.monitoringUrl}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([
    503,
    expect.stringContaining('[-]fence: the member is fenced'),
  ]);

  await scene.lab.stopAgent(h3, 'SIGKILL');
  await scene.lab.startAgent(h3);
  await expect.poll(() => fenceAt(scene, h3), PATIENT).toEqual({ state: 'superseded', process: 'stopped' });
  const log = await readFile(join(h3.directory, 'agent.log'), 'utf8');
  expect(log.match(/etcd started/g)).toHaveLength(2);
  expect(await contentsOf(scene, h1)).toHaveLength(400);
});
