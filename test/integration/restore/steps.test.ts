import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import type { WorkingPhase } from '../../../src/restore/phases.ts';
import { etcdctl, startEtcd } from '../../support/etcd-process.ts';
import { samplePlan } from '../../support/control-samples.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { fittingTool } from '../restore-tool/local-tools.ts';
import {
  runPhases,
  stageByHand,
  stepHost,
  treeOf,
  type CrashPoint,
  type IdleSupervisor,
} from './step-host.ts';

const FORWARD: WorkingPhase[] = ['stopping', 'confirming', 'committing'];
const BACK: WorkingPhase[] = ['rollback-stopping', 'rolling-back'];
const FOUND = ['running', 'stopped'] as const;

/** What an operation keeps beside the data, or without it. */
function without(tree: Record<string, string>, keeps: RegExp): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !keeps.test(path)));
}

describe.each([
  { separateWal: false, where: 'in the data dir' },
  { separateWal: true, where: 'in a directory of its own' },
])('with the WAL $where', ({ separateWal }) => {
  test.each(FOUND)('a host found %s is after a rollback what it was, byte for byte', async (found) => {
    await using directory = await temporaryDirectory();
    const context = await stepHost({ root: directory.path, found, separateWal });
    await using _etcd = context.supervisor;
    const before = await treeOf(directory.path);
    await stageByHand(context);

    await runPhases(context, FORWARD);
    expect(await readFile(join(context.layout.member, 'snap', 'db'), 'utf8')).toBe('new');
    expect(await stateOf(context)).toEqual({ running: true, heldBy: context.plan.decided.operation });
    await runPhases(context, BACK);

    const after = await treeOf(directory.path);
    expect(without(after, /(member|wal)\.restored-/)).toEqual(before);
    expect(await readFile(join(context.layout.withdrawnMember, 'snap', 'db'), 'utf8')).toBe('new');
    expect(await stateOf(context)).toEqual({ running: found === 'running', heldBy: undefined });
  });

  test('an accepted restore keeps the old data beside the new, and nothing of its own', async () => {
    await using directory = await temporaryDirectory();
    const context = await stepHost({ root: directory.path, found: 'running', separateWal });
    await using _etcd = context.supervisor;
    await stageByHand(context);
    await runPhases(context, [...FORWARD, 'finishing']);

    const tree = await treeOf(directory.path);
    expect(Object.keys(tree).filter((path) => path.includes('.lifeboat'))).toEqual([]);
    expect(await readFile(join(context.layout.setAsideMember, 'snap', 'db'), 'utf8')).toBe('old');
    const walDir = context.layout.wal?.dir ?? join(context.layout.member, 'wal');
    expect(await readFile(join(walDir, '0.wal'), 'utf8')).toBe('new');
    expect(existsSync(join(walDir, 'old.wal'))).toBe(false);
    expect(await stateOf(context)).toEqual({ running: true, heldBy: undefined });
  });

  test.each(FOUND)('an abort leaves a host found %s as it was', async (found) => {
    await using directory = await temporaryDirectory();
    const context = await stepHost({ root: directory.path, found, separateWal });
    await using _etcd = context.supervisor;
    const before = await treeOf(directory.path);
    await stageByHand(context);
    await runPhases(context, ['stopping', 'confirming', 'aborting']);
    expect(await treeOf(directory.path)).toEqual(before);
    expect(await stateOf(context)).toEqual({ running: found === 'running', heldBy: undefined });
  });

  test('a rollback of a commit that got as far as any step brings the old data back', async () => {
    const steps = separateWal
      ? ['set-aside-member', 'set-aside-wal', 'install-wal', 'install-member', 'start']
      : ['set-aside-member', 'install-member', 'start'];
    for (const step of steps) {
      await using directory = await temporaryDirectory();
      const context = await stepHost({ root: directory.path, found: 'running', separateWal });
      await using _etcd = context.supervisor;
      const before = await treeOf(directory.path);
      await stageByHand(context);
      await runPhases(context, ['stopping']);
      await expect(
        runPhases(context, ['committing'], { step: `committing/${step}`, when: 'end' }),
      ).rejects.toThrow('ends here');
      await runPhases(context, BACK);
      const after = without(await treeOf(directory.path), /(member|wal)\.restored-/);
      expect({ step, after }).toEqual({ step, after: before });
    }
  });

  test.each([
    { way: 'there and back', first: [], phases: [...FORWARD, ...BACK] },
    { way: 'of the finish', first: FORWARD, phases: ['finishing'] as WorkingPhase[] },
    {
      way: 'of an abort',
      first: ['stopping', 'confirming'] as WorkingPhase[],
      phases: ['aborting'] as WorkingPhase[],
    },
  ])('a crash behind any step $way changes nothing of the end', async ({ first, phases }) => {
    const all = [...first, ...phases];
    const { state, tree, steps } = await runFresh(all, separateWal);
    for (const step of steps.filter((name) => phases.some((phase) => name.startsWith(`${phase}/`)))) {
      const crashed = await runFresh(all, separateWal, { step, when: 'after' });
      expect({ step, ...crashed }).toEqual({ step, steps: crashed.steps, state, tree });
    }
  });
});

async function runFresh(phases: readonly WorkingPhase[], separateWal: boolean, crash?: CrashPoint) {
  await using directory = await temporaryDirectory();
  const context = await stepHost({ root: directory.path, found: 'running', separateWal });
  await using _etcd = context.supervisor;
  await stageByHand(context);
  const steps = await runPhases(context, phases, crash);
  return { steps, tree: await treeOf(directory.path), state: await stateOf(context) };
}

async function stateOf({ supervisor }: { supervisor: IdleSupervisor }) {
  return { running: supervisor.running, heldBy: await supervisor.heldBy() };
}

test('an etcd that was started a moment ago and has nothing open yet is stopped before data is moved', async () => {
  await using directory = await temporaryDirectory();
  const context = await stepHost({ root: directory.path, found: 'running', separateWal: false });
  await using _etcd = context.supervisor;
  await stageByHand(context);
  await runPhases(context, FORWARD);
  await context.supervisor.startWithNothingOpen();

  await expect(runPhases(context, ['rolling-back'])).rejects.toMatchObject({ code: 'ETCD_STILL_RUNNING' });
  expect(existsSync(context.layout.withdrawnMember)).toBe(false);
  await runPhases(context, ['rollback-stopping']);
  expect(context.supervisor.running).toBe(false);
});

test.each([
  { after: 'an abort', phases: ['stopping', 'confirming', 'aborting'] as const, comesUp: false },
  { after: 'a rollback', phases: [...FORWARD, ...BACK], comesUp: true },
  { after: 'a rollback', phases: [...FORWARD, ...BACK], comesUp: false },
])(
  'an etcd found dying is set going again after $after, with no hold in its way (it comes up: $comesUp)',
  async ({ phases, comesUp }) => {
    await using directory = await temporaryDirectory();
    const context = await stepHost({ root: directory.path, found: 'restarting', separateWal: false });
    await using supervisor = context.supervisor;
    await stageByHand(context);
    const heldAtStarts: (string | undefined)[] = [];
    const start = supervisor.start.bind(supervisor);
    supervisor.start = async () => {
      const holder = await supervisor.heldBy();
      heldAtStarts.push(holder);
      if (holder === undefined && !comesUp) throw new AgentError('ETCD_START_FAILED', 'it died again');
      await start();
    };
    await runPhases(context, phases);
    expect(heldAtStarts.at(-1)).toBeUndefined();
    expect(heldAtStarts.filter((holder) => holder === undefined)).toHaveLength(1);
    expect(await stateOf(context)).toEqual({ running: comesUp, heldBy: undefined });
  },
);

test.skipIf(process.getuid?.() !== 0)(
  'what the tool restored belongs to whom the old data belonged, with its mode (only root can tell)',
  async () => {
    await using directory = await temporaryDirectory();
    const context = await restoringHost(directory.path);
    await using _etcd = context.supervisor;
    await mkdir(join(context.layout.dataDir, 'kept'));
    await chown(context.layout.member, 65_534, 65_534);
    await chmod(context.layout.member, 0o750);

    await runPhases(context, ['preparing', ...FORWARD]);

    const { member } = context.layout;
    for (const path of [member, join(member, 'snap'), join(member, 'snap', 'db'), join(member, 'wal')]) {
      expect(await stat(path)).toMatchObject({ uid: 65_534, gid: 65_534 });
    }
    expect((await stat(member)).mode & 0o7777).toBe(0o750);
    expect(existsSync(join(context.layout.dataDir, 'kept'))).toBe(true);
  },
);

async function restoringHost(root: string) {
  const snapshotPath = join(root, 'snapshot.db');
  await using etcd = await startEtcd();
  await etcd.ctl('put', 'key', 'value');
  await etcdctl(etcd.endpoint, ['snapshot', 'save', snapshotPath]);
  const snapshot = { ...samplePlan().decided.snapshot, revision: 2 };
  return await stepHost({
    root: join(root, 'host'),
    found: 'running',
    separateWal: false,
    restore: { tool: await fittingTool(), snapshotPath, snapshot },
  });
}

test('a snapshot of another revision than planned is not staged', async () => {
  await using directory = await temporaryDirectory();
  const context = await restoringHost(directory.path);
  await using _etcd = context.supervisor;
  const { snapshot } = context.plan.decided;
  const [host] = context.plan.decided.hosts;
  const plan = samplePlan({
    decided: { snapshot: { ...snapshot, revision: 7 }, hosts: host === undefined ? [] : [host] },
  });
  const before = await treeOf(context.layout.dataDir);
  await expect(runPhases({ ...context, plan }, ['preparing'])).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
  });
  await runPhases(context, ['aborting']);
  expect(await treeOf(context.layout.dataDir)).toEqual(before);
});
