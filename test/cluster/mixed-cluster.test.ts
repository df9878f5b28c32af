import { execa } from 'execa';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { etcdBinary } from '../support/etcd-binaries.ts';
import type { LabOptions } from '../support/lab-cluster.ts';
import {
  clusterIdAt,
  contentsOf,
  copy,
  expectContentsEverywhere,
  expectNewCluster,
  expectTidy,
  loseMembers,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  refused,
  run,
  save,
  threeOf,
  untilQuorumIsLost,
  type Scene,
} from './restore-scene.ts';

const release = (await execa(etcdBinary('etcd'), ['--version'])).stdout;
const isOf34 = release.includes('Version: 3.4.');
const hasV2 = isOf34 || release.includes('Version: 3.5.');

/** h1 is spoken to on a Unix socket, h2 has a configuration file, and h3 an environment; it joins as a learner. */
const threeWays: NonNullable<LabOptions['configure']> = (config, { name, directory }) => {
  const [etcd = '', ...flags] = config['supervisor']?.['command'] as string[];
  const settings = settingsOf(flags);
  const voters = settings['initial-cluster']?.split(',').slice(0, 2).join(',') ?? '';
  if (name === 'h1') {
    // 3.4 takes only what looks like host and port, and makes a socket of that name in its working directory.
    const both = `${settings['listen-client-urls'] ?? ''},unix://localhost:1`;
    const endpoint = `unix://${directory}/state/localhost:1`;
    // Members are added while the cluster is a few moments old.
    const atOnce = { 'strict-reconfig-check': 'false' };
    const own = { ...settings, ...atOnce, 'listen-client-urls': both, 'initial-cluster': voters };
    const command = [etcd, ...flagsOf(own)];
    return {
      ...config,
      etcd: { ...config['etcd'], endpoint },
      supervisor: { ...config['supervisor'], command },
    };
  }
  if (name === 'h2') {
    const file = join(directory, 'etcd.yaml');
    const numbers = { 'heartbeat-interval': 50, 'election-timeout': 500 };
    writeFileSync(file, stringify({ ...settings, ...numbers, 'initial-cluster': voters }));
    return { ...config, supervisor: { ...config['supervisor'], command: [etcd, '--config-file', file] } };
  }
  const variables = Object.entries({ ...settings, 'initial-cluster-state': 'existing' }).map(
    ([flag, value]) => `ETCD_${flag.toUpperCase().replaceAll('-', '_')}=${value}`,
  );
  return {
    ...config,
    supervisor: { ...config['supervisor'], command: ['/usr/bin/env', ...variables, etcd] },
  };
};

function settingsOf(flags: readonly string[]): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [index, word] of flags.entries()) {
    if (word.startsWith('--')) settings[word.slice(2)] = flags[index + 1] ?? '';
  }
  return settings;
}

function flagsOf(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`);
}

test('a member on a Unix socket, one with a configuration file and a learner with an environment come back as three voters', async () => {
  await using voters = await openHealthyScene({ hosts: 3, started: 2, configure: threeWays });
  const { lab } = voters;
  const scene: Scene = { ...voters, hosts: lab.hosts };
  const [h1, h2, h3] = threeOf(scene);
  await putKeys(h1, 300);
  await save(scene, h1);
  await lab.ctl(h1, 'member', 'add', 'h3', '--learner', '--peer-urls', h3.peerUrl);
  await lab.startAgent(h3);
  const statusOf3 = async () => (await lab.ask(h3, 'status', {})).etcd;
  await expect.poll(async () => (await statusOf3()).isLearner, PATIENT).toBe(true);
  await putKeys(h1, 100, 'later-');
  const held = await contentsOf(scene, h1);
  await expect.poll(async () => (await statusOf3()).revision, PATIENT).toBe(5);
  const oldId = (await clusterIdAt(scene, h1)) ?? '';

  // Beside a learner the agent does what it can, and says what it cannot.
  expect(await statusOf3()).toMatchObject({ clusterId: oldId, process: 'running' });
  expect((await statusOf3()).problem).toBeUndefined();
  expect((await lab.cli(h3, 'status')).stdout).toContain('a learner');
  expect(await copy(scene, h3)).toMatchObject({ revision: 5, clusterId: oldId });
  const streamed = isOf34 ? await refused(scene, h3, 'snapshot', 'save') : await save(scene, h3);
  expect(streamed).toMatchObject(isOf34 ? { code: 'ETCD_LEARNER' } : { revision: 5, keyCount: 400 });

  await loseMembers(scene, [h2]);
  await untilQuorumIsLost(scene, [h1]);
  const saved = await save(scene, h1);
  const made = await plan(scene, h3);
  const { exitCode, view } = await run(scene, h3, made);

  expect(view).toMatchObject({ phase: 'finished' });
  expect(exitCode).toBe(0);
  expect(made.decided.snapshot.revision).toBe(saved.revision);
  expect(made.measured.faultTolerance).toBe(1);
  expect(made.measured.warnings.join()).toContain('h3 was a learner, and becomes a voting member');
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
  await expectTidy(scene);
  expect(await statusOf3()).toMatchObject({ hasQuorum: true });
  expect(await statusOf3()).not.toHaveProperty('isLearner');
  expect(await lab.ctl(h1, 'member', 'list')).not.toContain('true');
});

test.skipIf(!hasV2)(
  'keys of the v2 API are told of before they are lost, and stay in the data set aside (etcd 3.4 and 3.5 only)',
  async () => {
    await using scene = await openHealthyScene({ hosts: 1, etcdFlags: ['--enable-v2'] });
    const h1 = scene.lab.host(0);
    const v2 = `${h1.clientUrl}/v2/keys/`;
    await putKeys(h1, 100);
    const held = await contentsOf(scene, h1);
    await save(scene, h1);
    const without = await plan(scene, h1, '--discard-current');
    expect(without.measured.warnings.join()).not.toContain('v2');
    await fetch(`${v2}old`, { method: 'PUT', body: new URLSearchParams({ value: 'key' }) });

    const made = await plan(scene, h1, '--discard-current');
    const { exitCode, view } = await run(scene, h1, made);

    expect(exitCode).toBe(0);
    expect(made.measured.warnings.join()).toContain(
      'h1: it holds keys of the v2 API, which are in no snapshot',
    );
    await expectContentsEverywhere(scene, held);
    expect((await fetch(`${v2}old`)).status).toBe(404);
    expect(readdirSync(h1.dataDir)).toContain(`member.before-${view.operation}`);
  },
);
