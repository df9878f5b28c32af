import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FoundState, UndoHost } from '../../../src/formats/restore-plan.ts';
import { layoutOf } from '../../../src/restore/layout.ts';
import type { WorkingPhase } from '../../../src/restore/phases.ts';
import type { UndoingHost } from '../../../src/restore/steps/host-context.ts';
import { readLogIdentity } from '../../../src/wal/read-identity.ts';
import { sampleUndo } from '../../support/control-samples.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { NEVER, runPhases, stepHost, treeOf, type CrashPoint, type IdleSupervisor } from './step-host.ts';

const FORWARD: WorkingPhase[] = ['stopping', 'confirming', 'committing'];
const BACK: WorkingPhase[] = ['rollback-stopping', 'rolling-back'];

interface Options {
  readonly root: string;
  readonly found: FoundState;
  readonly separateWal: boolean;
  readonly action: UndoHost['action'];
}

type Undoing = UndoingHost & { readonly supervisor: IdleSupervisor };

/** A host whose present data says `old`, as `stepHost` makes it, and where the undone operation set data aside that says `before`. */
async function undoingHost({ action, ...options }: Options): Promise<Undoing> {
  const { snapshot: _, ...restoring } = await stepHost(options);
  const [model] = sampleUndo().decided.hosts;
  if (model?.action !== 'swap') throw new Error('a plan without hosts that swap');
  const { memberId, revision, ...named } = model;
  const { dataDir, walDir, found } = restoring.host;
  const common = { ...named, dataDir, found, ...(walDir === undefined ? {} : { walDir }) };
  const host: UndoHost =
    action === 'swap'
      ? { ...common, action, memberId, revision }
      : { ...common, action, why: 'the test says so' };
  const plan = sampleUndo({ hosts: [host] });
  const layout = layoutOf(host, plan.decided);
  if (action === 'swap') {
    const wal = layout.wal?.staged ?? join(layout.stagedMember, 'wal');
    for (const file of [
      join(layout.stagedMember, 'snap', 'db'),
      join(wal, '0.wal'),
      join(wal, 'before.wal'),
    ]) {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(file, 'before', { mode: 0o600 });
    }
  }
  return { ...restoring, plan, host, layout };
}

/** What preparing leaves, without the proof: the mark. */
async function prepareByHand({ layout, plan }: Undoing): Promise<void> {
  await mkdir(layout.staging, { recursive: true });
  if (layout.wal !== undefined) await mkdir(layout.wal.staging, { recursive: true });
  await writeFile(layout.stagedMarker, plan.hash);
}

async function stateOf({ supervisor }: Undoing) {
  return { running: supervisor.running, heldBy: await supervisor.heldBy() };
}

function textOf(...path: string[]): Promise<string> {
  return readFile(join(...path), 'utf8');
}

describe.each([
  { separateWal: false, where: 'in the data dir' },
  { separateWal: true, where: 'in a directory of its own' },
])('with the WAL $where', ({ separateWal }) => {
  test('an undo that finished runs on what was set aside, and has set aside what it found', async () => {
    await using directory = await temporaryDirectory();
    const context = await undoingHost({
      root: directory.path,
      found: 'running',
      separateWal,
      action: 'swap',
    });
    await using _etcd = context.supervisor;
    await prepareByHand(context);
    await runPhases(context, [...FORWARD, 'finishing']);

    const { member, stagedMember, setAsideMember, wal } = context.layout;
    expect(await textOf(member, 'snap', 'db')).toBe('before');
    expect(await textOf(wal?.dir ?? join(member, 'wal'), 'before.wal')).toBe('before');
    expect(await textOf(setAsideMember, 'snap', 'db')).toBe('old');
    expect(await textOf(wal?.setAside ?? join(setAsideMember, 'wal'), 'old.wal')).toBe('old');
    expect(existsSync(join(wal?.dir ?? join(member, 'wal'), 'old.wal'))).toBe(false);
    expect([existsSync(stagedMember), existsSync(wal?.staged ?? stagedMember)]).toEqual([false, false]);
    expect(Object.keys(await treeOf(directory.path)).filter((path) => path.includes('.lifeboat'))).toEqual(
      [],
    );
    expect(await stateOf(context)).toEqual({ running: true, heldBy: undefined });
  });

  test('a host that vacates keeps its present data set aside, and starts nothing', async () => {
    await using directory = await temporaryDirectory();
    const context = await undoingHost({
      root: directory.path,
      found: 'running',
      separateWal,
      action: 'vacate',
    });
    await using _etcd = context.supervisor;
    await prepareByHand(context);
    await runPhases(context, [...FORWARD, 'finishing']);

    const { member, setAsideMember, wal } = context.layout;
    expect(existsSync(member)).toBe(false);
    expect(await textOf(setAsideMember, 'snap', 'db')).toBe('old');
    expect(await textOf(wal?.setAside ?? join(setAsideMember, 'wal'), 'old.wal')).toBe('old');
    expect(await stateOf(context)).toEqual({ running: false, heldBy: undefined });
  });

  test.each(['running', 'stopped'] as const)(
    'a host found %s that keeps its data is left as it was',
    async (found) => {
      await using directory = await temporaryDirectory();
      const context = await undoingHost({ root: directory.path, found, separateWal, action: 'keep' });
      await using _etcd = context.supervisor;
      const before = await treeOf(directory.path);
      await prepareByHand(context);
      await runPhases(context, [...FORWARD, 'finishing']);
      expect(await treeOf(directory.path)).toEqual(before);
      expect(await stateOf(context)).toEqual({ running: found === 'running', heldBy: undefined });
    },
  );

  test.each([
    { found: 'running', action: 'swap', phases: ['stopping', 'confirming', 'aborting'] },
    { found: 'running', action: 'swap', phases: [...FORWARD, ...BACK] },
    { found: 'stopped', action: 'swap', phases: [...FORWARD, ...BACK] },
    { found: 'running', action: 'vacate', phases: ['stopping', 'confirming', 'aborting'] },
    { found: 'running', action: 'vacate', phases: [...FORWARD, ...BACK] },
    { found: 'absent', action: 'vacate', phases: [...FORWARD, ...BACK] },
    { found: 'running', action: 'keep', phases: [...FORWARD, ...BACK] },
  ] as const)(
    'a host found $found that would $action is after $phases what it was, byte for byte',
    async ({ found, action, phases }) => {
      await using directory = await temporaryDirectory();
      const context = await undoingHost({ root: directory.path, found, separateWal, action });
      await using _etcd = context.supervisor;
      await mkdir(context.layout.dataDir, { recursive: true });
      const before = await treeOf(directory.path);
      await prepareByHand(context);
      await runPhases(context, phases);
      // A WAL directory that was not there is there afterwards, and is empty.
      const isNew = (path: string) => path === 'wal' && found === 'absent';
      const after = Object.entries(await treeOf(directory.path)).filter(([path]) => !isNew(path));
      expect(Object.fromEntries(after)).toEqual(before);
      expect(await stateOf(context)).toEqual({ running: found === 'running', heldBy: undefined });
    },
  );

  test('a rollback of a commit that got as far as any step leaves the host as it was', async () => {
    const steps = separateWal
      ? ['set-aside-member', 'set-aside-wal', 'install-wal', 'install-member', 'start']
      : ['set-aside-member', 'install-member', 'start'];
    for (const step of steps) {
      await using directory = await temporaryDirectory();
      const context = await undoingHost({
        root: directory.path,
        found: 'running',
        separateWal,
        action: 'swap',
      });
      await using _etcd = context.supervisor;
      const before = await treeOf(directory.path);
      await prepareByHand(context);
      await runPhases(context, ['stopping']);
      await expect(
        runPhases(context, ['committing'], { step: `committing/${step}`, when: 'end' }),
      ).rejects.toThrow('ends here');
      await runPhases(context, BACK);
      expect({ step, after: await treeOf(directory.path) }).toEqual({ step, after: before });
    }
  });

  test.each([
    { way: 'there and back', action: 'swap', first: [], phases: [...FORWARD, ...BACK] },
    { way: 'of the finish', action: 'swap', first: FORWARD, phases: ['finishing'] },
    { way: 'of an abort', action: 'swap', first: ['stopping', 'confirming'], phases: ['aborting'] },
    { way: 'of a vacation and back', action: 'vacate', first: [], phases: [...FORWARD, ...BACK] },
    { way: 'of a vacation', action: 'vacate', first: [], phases: [...FORWARD, 'finishing'] },
  ] as const)(
    'a crash behind any step $way changes nothing of the end',
    async ({ action, first, phases }) => {
      const all = [...first, ...phases];
      const { state, tree, steps } = await runFresh(all, { separateWal, action });
      const tried = steps.filter((name) => phases.some((phase) => name.startsWith(`${phase}/`)));
      expect(tried.length).toBeGreaterThan(1);
      for (const step of tried) {
        const crashed = await runFresh(all, { separateWal, action }, { step, when: 'after' });
        expect({ step, ...crashed }).toEqual({ step, steps: crashed.steps, state, tree });
      }
    },
  );
});

async function runFresh(
  phases: readonly WorkingPhase[],
  options: Pick<Options, 'separateWal' | 'action'>,
  crash?: CrashPoint,
) {
  await using directory = await temporaryDirectory();
  const context = await undoingHost({ root: directory.path, found: 'running', ...options });
  await using _etcd = context.supervisor;
  await prepareByHand(context);
  const steps = await runPhases(context, phases, crash);
  return { steps, tree: await treeOf(directory.path), state: await stateOf(context) };
}

/** A host where a real etcd's data was set aside, and the plan that fits it but for `changes`. */
async function hostWithRealData(root: string, changes: Partial<Extract<UndoHost, { action: 'swap' }>> = {}) {
  const context = await undoingHost({ root, found: 'stopped', separateWal: false, action: 'vacate' });
  const etcdDir = join(root, 'etcd');
  await using etcd = await startEtcd({ dataDir: etcdDir });
  for (const key of ['a', 'b', 'c']) await etcd.ctl('put', key, 'value');
  await etcd.stop('SIGTERM');
  const { clusterId, memberId } = await readLogIdentity(join(etcdDir, 'member', 'wal'), NEVER);
  const { action: _, ...named } = context.host;
  const host: UndoHost = { ...named, action: 'swap', memberId, revision: 4, ...changes };
  const { returnsTo } = sampleUndo().decided;
  const plan = sampleUndo({ hosts: [host], returnsTo: { ...returnsTo, clusterId } });
  const layout = layoutOf(host, plan.decided);
  await rename(join(etcdDir, 'member'), layout.stagedMember);
  return { ...context, plan, host, layout };
}

test('what was set aside is proved where it lies: nothing is moved, and an abort leaves nothing behind', async () => {
  await using directory = await temporaryDirectory();
  const context = await hostWithRealData(directory.path);
  const before = await treeOf(context.layout.dataDir);
  await runPhases(context, ['preparing']);
  expect(await textOf(context.layout.stagedMarker)).toBe(context.plan.hash);
  const { dataDir, staging } = context.layout;
  const made = Object.entries(await treeOf(dataDir)).filter(
    ([path]) => !join(dataDir, path).startsWith(dirname(staging)),
  );
  expect(Object.fromEntries(made)).toEqual(before);
  await runPhases(context, ['aborting']);
  expect(await treeOf(dataDir)).toEqual(before);
});

test.each([
  {
    what: 'of another member than the plan says',
    changes: { memberId: 'f'.repeat(16) },
    code: 'GUARD_CHANGED',
  },
  { what: 'at another revision than the plan says', changes: { revision: 5 }, code: 'GUARD_CHANGED' },
])('set-aside data $what is refused', async ({ changes, code }) => {
  await using directory = await temporaryDirectory();
  const context = await hostWithRealData(directory.path, changes);
  await expect(runPhases(context, ['preparing'])).rejects.toMatchObject({ code });
  expect(existsSync(context.layout.stagedMarker)).toBe(false);
});

test('a database that rotted where it was set aside is refused before anything is stopped', async () => {
  await using directory = await temporaryDirectory();
  const context = await hostWithRealData(directory.path);
  const database = join(context.layout.stagedMember, 'snap', 'db');
  const bytes = await readFile(database);
  // All pages but the two that say where everything is.
  bytes.fill(0xff, 2 * 4096);
  await writeFile(database, bytes);
  await expect(runPhases(context, ['preparing'])).rejects.toMatchObject({
    code: expect.stringMatching(/^SNAPSHOT_/) as string,
  });
});

test('what was removed after it was proved is missed before the decision, and takes nothing with it on the way back', async () => {
  for (const way of [['aborting'], ['rollback-stopping', 'rolling-back']] as const) {
    await using directory = await temporaryDirectory();
    const context = await undoingHost({
      ...{ root: directory.path, found: 'running', separateWal: false, action: 'swap' },
    });
    await using _etcd = context.supervisor;
    await prepareByHand(context);
    await runPhases(context, ['stopping']);
    await rm(context.layout.stagedMember, { recursive: true });
    await expect(runPhases(context, ['confirming'])).rejects.toMatchObject({
      code: 'RESTORE_STEP_FAILED',
      message: expect.stringContaining(
        `${context.layout.stagedMember} was there when it was proved`,
      ) as string,
    });

    await runPhases(context, way);

    expect(await textOf(context.layout.member, 'snap', 'db')).toBe('old');
    expect(await stateOf(context)).toEqual({ running: true, heldBy: undefined });
  }
});
