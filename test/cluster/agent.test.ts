import { execa } from 'execa';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectEtcd, type EtcdClient } from '../../src/etcd/client.ts';
import { fillEtcd } from '../support/fill-etcd.ts';
import { LIFEBOAT, type LabHost } from '../support/lab-cluster.ts';
import { openHealthyScene, PATIENT, putKeys, save, type Scene } from './restore-scene.ts';

/** One host, with a schedule that is not due while it is looked at. */
async function openOneHost(onAgentStop: 'stop' | 'leave'): Promise<Scene> {
  return await openHealthyScene({
    hosts: 1,
    configure: ({ supervisor, ...config }) => ({
      ...config,
      supervisor: { ...supervisor, onAgentStop },
      snapshots: { schedule: { cron: '0 0 1 1 *' } },
    }),
  });
}

function lineageOf({ directory }: LabHost): Promise<string> {
  return readFile(join(directory, 'state', 'lineage.json'), 'utf8');
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('an agent that is stopped stops its etcd, and its successor knows everything that it knew', async () => {
  await using scene = await openOneHost('stop');
  const { lab } = scene;
  const host = lab.host(0);
  await putKeys(host, 100);
  const snapshot = await save(scene, host);
  const [before, lineage] = [await lab.ask(host, 'status', {}), await lineageOf(host)];
  const pid = await lab.etcdPid(host);

  await lab.stopAgent(host, 'SIGTERM');
  expect(isRunning(pid)).toBe(false);
  await lab.startAgent(host);
  await lab.untilHealthy();

  const after = await lab.ask(host, 'status', {});
  expect(after.etcd.clusterId).toBe(before.etcd.clusterId);
  expect(after.etcd.pid).not.toBe(pid);
  expect(after.schedule).toEqual(before.schedule);
  // What is free on the disk is not the agent's alone.
  expect({ ...after.snapshots, freeBytes: 0 }).toEqual({ ...before.snapshots, freeBytes: 0 });
  expect(after.snapshots.newestProved?.id).toBe(snapshot.id);
  expect(await lineageOf(host)).toBe(lineage);
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'an etcd that its agent leaves when it gets %s is found again by the next one',
  async (signal) => {
    await using scene = await openOneHost('leave');
    const { lab } = scene;
    const host = lab.host(0);
    const pid = await lab.etcdPid(host);

    await lab.stopAgent(host, signal);
    await lab.ctl(host, 'put', 'served', 'meanwhile');
    await lab.startAgent(host);

    expect(await lab.etcdPid(host)).toBe(pid);
    // And is in its care: started again when it dies.
    process.kill(pid, 'SIGKILL');
    await expect.poll(async () => ![0, pid].includes(await lab.etcdPid(host)), PATIENT).toBe(true);
  },
);

test('a second agent on the same state directory is refused, and the first goes on', async () => {
  await using scene = await openOneHost('stop');
  const { lab } = scene;
  const host = lab.host(0);
  const pid = await lab.etcdPid(host);

  const second = await execa(process.execPath, [LIFEBOAT, 'agent', '--config', host.configFile], {
    reject: false,
  });

  expect(second.exitCode).toBe(3);
  expect(second.stderr).toContain(join(host.directory, 'state'));
  expect(await lab.etcdPid(host)).toBe(pid);
  await lab.ctl(host, 'endpoint', 'health');
});

test('a snapshot that a killed agent left half taken is not listed', async () => {
  await using scene = await openOneHost('leave');
  const { lab } = scene;
  const host = lab.host(0);
  using etcd = closing(connectEtcd({ endpoint: host.clientUrl, requestTimeoutMs: 10_000 }));
  const whole = await save(scene, host);
  // Large enough to be caught in the middle.
  await fillEtcd(etcd.client, 24);
  const saving = lab.ask(host, 'snapshot.save', { skipUnchanged: false }).catch(() => undefined);
  await expect.poll(async () => await draftsIn(host), { timeout: 60_000, interval: 1 }).not.toEqual([]);

  await lab.stopAgent(host, 'SIGKILL');
  await saving;
  expect(await draftsIn(host)).toHaveLength(1);
  await lab.startAgent(host);

  const { snapshots, damaged } = await lab.ask(host, 'snapshot.list', {});
  expect(damaged).toEqual([]);
  for (const { id } of snapshots) expect((await lab.cli(host, 'snapshot', 'verify', id)).exitCode).toBe(0);
  expect(snapshots.map(({ id }) => id)).toContain(whole.id);
  expect(await draftsIn(host)).toEqual([]);
});

function closing(client: EtcdClient): Disposable & { readonly client: EtcdClient } {
  return {
    client,
    [Symbol.dispose]: () => {
      client.close();
    },
  };
}

async function draftsIn({ directory }: LabHost): Promise<string[]> {
  const names = await readdir(join(directory, 'state', 'snapshots'));
  return names.filter((name) => name.endsWith('.partial'));
}
