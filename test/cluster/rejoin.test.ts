import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LabHost } from '../support/lab-cluster.ts';
import {
  clusterIdAt,
  contentsOf,
  expectRestartedByItsAgent,
  loseMembers,
  openHealthyScene,
  PATIENT,
  plan,
  putKeys,
  refused,
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

test('a host that missed a restore is fenced when it comes back, and rejoins the cluster when it is told to', async () => {
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

  const unasked = await refused(scene, h3, 'member', 'rejoin');
  expect(unasked).toMatchObject({ exitCode: 2, code: 'USAGE' });
  const { exitCode, stdout, stderr } = await scene.lab.cli(h3, 'member', 'rejoin', '--yes');

  expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
  expect(stdout).toContain(`voting member`);
  await expectThreeMembers(scene, newId);
  expect(await fenceAt(scene, h3)).toEqual({ state: undefined, process: 'running' });
  const held = await contentsOf(scene, h1);
  expect(held).toHaveLength(400);
  await expect.poll(() => contentsOf(scene, h3), PATIENT).toEqual(held);
  expect((await readdir(h3.dataDir)).filter((name) => name.startsWith('member'))).toEqual([
    'member',
    expect.stringMatching(/^member\.before-rejoin-/),
  ]);
  expect(await refused(scene, h3, 'member', 'rejoin')).toMatchObject({ exitCode: 3, code: 'MEMBER_CURRENT' });
  expect(await memberLinesOf(scene, h3)).toEqual([
    { action: 'fence', stage: 'begun', operation: made.decided.operation, clusterId: oldId },
    { action: 'fence', stage: 'done', operation: made.decided.operation, clusterId: oldId },
    {
      action: 'join',
      stage: 'begun',
      operation: expect.stringMatching(/^rejoin-/) as string,
      clusterId: newId,
    },
    {
      action: 'join',
      stage: 'done',
      operation: expect.stringMatching(/^rejoin-/) as string,
      clusterId: newId,
    },
  ]);
  await expectPutBack(scene, h1, newId);
  await expectRestartedByItsAgent(scene, h3);
});

test('a member that lost its data while quorum lives is replaced, though its agent is killed again and again', async () => {
  await using scene = await openHealthyScene({ hosts: 3 });
  const [h1, h2, h3] = threeOf(scene);
  await putKeys(h1, 300);
  await save(scene, h1);
  const clusterId = (await clusterIdAt(scene, h1)) ?? '';
  expect(await refused(scene, h3, 'member', 'rejoin', '--yes')).toMatchObject({ code: 'MEMBER_CURRENT' });
  expect(await refused(scene, h3, 'member', 'replace', 'h2', '--yes')).toMatchObject({ exitCode: 3 });
  await loseMembers(scene, [h3]);
  // It may have been the leader.
  await expect.poll(async () => (await scene.lab.ask(h2, 'status', {})).etcd.hasQuorum, PATIENT).toBe(true);
  await putKeys(h2, 100, 'later-');
  const plain = await refused(scene, h1, 'restore', 'plan');
  expect(plain).toMatchObject({ exitCode: 3, code: 'GUARD_QUORUM_ALIVE' });
  expect(plain.message).toContain('h3 has no member in it: `lifeboat member rejoin` there makes it one');
  expect(await refused(scene, h3, 'member', 'replace', 'h9', '--yes')).toMatchObject({
    code: 'MEMBER_UNKNOWN',
  });
  expect(await refused(scene, h3, 'member', 'replace', 'h1', '--yes')).toMatchObject({
    code: 'MEMBER_ALIVE',
  });

  const { plan: made } = await scene.lab.ask(h3, 'member.plan', { replace: 'h3' });
  scene.lab.ask(h3, 'member.join', { planHash: made.hash, requestedBy: 'test' }).catch(() => undefined);
  for (const step of ['remove-members', 'add-member', 'join', 'promote']) {
    await expect.poll(() => stepsAt(h3), { ...PATIENT, interval: 5 }).toContain(step);
    await scene.lab.stopAgent(h3, 'SIGKILL');
    await scene.lab.startAgent(h3);
  }

  await expect.poll(() => fenceAt(scene, h3), PATIENT).toEqual({ state: undefined, process: 'running' });
  await expectThreeMembers(scene, clusterId);
  const held = await contentsOf(scene, h1);
  expect(held).toHaveLength(400);
  await expect.poll(() => contentsOf(scene, h3), PATIENT).toEqual(held);
  // Each start of the agent goes on with it; it ends once.
  const told = await memberLinesOf(scene, h3);
  expect(new Set(told.slice(0, -1).map(({ stage }) => stage))).toEqual(new Set(['begun']));
  expect(told.at(-1)).toMatchObject({ action: 'join', stage: 'done', clusterId });
});

/** What the audit log of a host tells of its member, once it was proved. */
async function memberLinesOf({ lab }: Scene, host: LabHost): Promise<Record<string, unknown>[]> {
  const audit = ['--config', host.configFile, '-o', 'json', 'audit'];
  expect(await lab.cli(host, ...audit, 'verify')).toMatchObject({ exitCode: 0 });
  const { stdout } = await lab.cli(host, ...audit, 'show');
  return stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event: Record<string, unknown> }).event)
    .filter(({ event }) => event === 'member')
    .map(({ action, stage, operation, clusterId }) => ({ action, stage, operation, clusterId }));
}

/** A key that is gone comes back from the host's snapshot, and its agent puts that into the audit log. */
async function expectPutBack({ lab }: Scene, host: LabHost, clusterId: string): Promise<void> {
  await lab.ctl(host, 'del', 'key-000000');
  const putBack = ['snapshot', 'put-back', 'latest', 'key-000000', '--yes'];
  expect(await lab.cli(host, '--config', host.configFile, ...putBack)).toMatchObject({ exitCode: 0 });
  expect(await lab.ctl(host, 'get', 'key-000000')).toContain('value of key-0');
  const { stdout } = await lab.cli(host, '--config', host.configFile, 'audit', 'show');
  expect(stdout).toMatch(
    new RegExp(
      `put-back +begun: 1 key of (\\S+) into cluster ${clusterId}, by .*\\n.* +done: 1 key of \\1 .* 1 written, 0 skipped, by `,
    ),
  );
}

/** What the journal of the join has begun or done. */
async function stepsAt(host: LabHost): Promise<string[]> {
  const text = await readFile(join(host.directory, 'state', 'join.json'), 'utf8').catch(() => '{}');
  const { done = [], started } = JSON.parse(text) as { done?: string[]; started?: string };
  return started === undefined ? done : [...done, started];
}

async function expectThreeMembers({ lab, hosts }: Scene, clusterId: string): Promise<void> {
  for (const host of hosts) {
    const { members } = JSON.parse(await lab.ctl(host, 'member', 'list', '-w', 'json')) as {
      members: { name: string; isLearner?: boolean }[];
    };
    expect(members.map(({ name }) => name).sort()).toEqual(['h1', 'h2', 'h3']);
    expect(members.filter(({ isLearner }) => isLearner === true)).toEqual([]);
    expect((await lab.ask(host, 'status', {})).etcd).toMatchObject({ clusterId, hasQuorum: true });
  }
}
