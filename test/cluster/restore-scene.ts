import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { OperationView } from '../../src/formats/operation-view.ts';
import type { OperationPlan, RestorePlan, UndoPlan } from '../../src/formats/restore-plan.ts';
import type { SnapshotManifest } from '../../src/formats/snapshot-manifest.ts';
import { startLab, type LabCluster, type LabHost, type LabOptions } from '../support/lab-cluster.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** On a machine that does other things too. */
export const PATIENT = { timeout: 60_000, interval: 50 };
const KEYS_PER_TXN = 100;

export interface Scene extends AsyncDisposable {
  readonly lab: LabCluster;
  readonly hosts: readonly LabHost[];
  readonly directory: string;
}

/** A lab in a directory of its own. Its members are healthy and every agent knows which cluster its member is in. */
export async function openScene(options: Omit<LabOptions, 'directory'>): Promise<Scene> {
  const scratch = await temporaryDirectory();
  try {
    const lab = await startLab({ ...options, directory: scratch.path });
    const hosts = lab.hosts.slice(0, options.started);
    return {
      lab,
      hosts,
      directory: scratch.path,
      [Symbol.asyncDispose]: async () => {
        await lab[Symbol.asyncDispose]();
        await scratch[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

export function threeOf({ lab }: Pick<Scene, 'lab'>): readonly [LabHost, LabHost, LabHost] {
  return [lab.host(0), lab.host(1), lab.host(2)];
}

/** `openScene` with members that serve and have been seen by their agents. */
export async function openHealthyScene(options: Omit<LabOptions, 'directory'>): Promise<Scene> {
  const scene = await openScene(options);
  try {
    await scene.lab.untilHealthy();
    for (const host of scene.hosts) await untilKnown(host);
    return scene;
  } catch (error) {
    await scene[Symbol.asyncDispose]();
    throw error;
  }
}

/** Also called outside a test, where `expect.poll` may not be. */
async function untilKnown(host: LabHost): Promise<void> {
  const path = join(host.directory, 'state', 'lineage.json');
  await vi.waitUntil(
    async () => (await readFile(path, 'utf8').catch(() => '')).includes('clusterId'),
    PATIENT,
  );
}

/** Writes `count` keys `<prefix>000000` …, a hundred of them with one revision. */
export async function putKeys(host: LabHost, count: number, prefix = 'key-'): Promise<void> {
  for (let next = 0; next < count; next += KEYS_PER_TXN) {
    const indexes = Array.from({ length: Math.min(KEYS_PER_TXN, count - next) }, (_, index) => next + index);
    const success = indexes.map((index) => ({
      request_put: {
        key: base64(`${prefix}${String(index).padStart(6, '0')}`),
        value: base64(`value of ${prefix}${index}`),
      },
    }));
    const response = await fetch(`${host.clientUrl}/v3/kv/txn`, {
      method: 'POST',
      body: JSON.stringify({ success }),
    });
    if (!response.ok) throw new Error(`the put failed: ${response.status} ${await response.text()}`);
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Every key with its value and mod revision, as this member has them itself. */
export async function contentsOf({ lab }: Scene, host: LabHost): Promise<string[]> {
  const answer = JSON.parse(
    await lab.ctl(host, 'get', '', '--prefix', '--consistency', 's', '-w', 'json'),
  ) as { kvs?: { key: string; value?: string; mod_revision: number }[] };
  return (answer.kvs ?? []).map(({ key, value, mod_revision: at }) => `${key} ${value ?? ''} ${at}`);
}

export async function expectContentsEverywhere(scene: Scene, expected: readonly string[]): Promise<void> {
  for (const host of scene.hosts) expect(await contentsOf(scene, host)).toEqual(expected);
}

/** The data of these members is lost while they run, as when a disk dies, and then they die. */
export async function loseMembers(scene: Scene, losers: readonly LabHost[]): Promise<void> {
  for (const host of losers) {
    const pid = await scene.lab.etcdPid(host);
    await rm(join(host.dataDir, 'member'), { recursive: true });
    process.kill(pid, 'SIGKILL');
  }
  for (const host of losers) {
    await expect
      .poll(async () => (await scene.lab.ask(host, 'status', {})).etcd.process, PATIENT)
      .toBe('failed');
  }
}

/** Waits until no member of `hosts` answers a linearizable read any more. */
export async function untilQuorumIsLost(scene: Scene, hosts: readonly LabHost[]): Promise<void> {
  for (const host of hosts) {
    await expect
      .poll(async () => (await scene.lab.ask(host, 'status', {})).etcd.hasQuorum, PATIENT)
      .toBe(false);
  }
}

/** Waits until the host has no etcd process. */
export async function untilStopped({ lab }: Scene, host: LabHost): Promise<void> {
  await expect.poll(() => lab.etcdPid(host), PATIENT).toBe(0);
}

export async function save(scene: Scene, host: LabHost): Promise<SnapshotManifest> {
  const { manifest } = await scene.lab.json<{ manifest: SnapshotManifest }>(host, 'snapshot', 'save');
  return manifest;
}

export async function copy(scene: Scene, host: LabHost): Promise<SnapshotManifest> {
  const { manifest } = await scene.lab.json<{ manifest: SnapshotManifest }>(host, 'snapshot', 'copy');
  return manifest;
}

export async function plan(scene: Scene, host: LabHost, ...flags: string[]): Promise<RestorePlan> {
  return await scene.lab.json<RestorePlan>(host, 'restore', 'plan', ...flags);
}

export async function planUndo(
  scene: Scene,
  host: LabHost,
  operation: string,
  ...flags: string[]
): Promise<UndoPlan> {
  return await scene.lab.json<UndoPlan>(host, 'restore', 'plan', '--undo', operation, ...flags);
}

export interface Refusal {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** A command that must fail: its exit status, and what it says why. */
export async function refused(scene: Scene, host: LabHost, ...args: string[]): Promise<Refusal> {
  const { exitCode, stdout } = await scene.lab.cli(host, '-o', 'json', ...args);
  const { error } = JSON.parse(lastLine(stdout)) as {
    error?: { code: string; message: string; hint: string };
  };
  return {
    exitCode,
    code: error?.code ?? 'none',
    message: error?.message ?? stdout,
    hint: error?.hint ?? '',
  };
}

export interface Ended {
  readonly exitCode: number;
  readonly view: OperationView;
  /** The phases that were shown, each once, in order. */
  readonly phases: readonly string[];
}

/** `restore run --confirm`, followed to its end. */
export async function run(scene: Scene, host: LabHost, { hash }: OperationPlan): Promise<Ended> {
  const { exitCode, stdout, stderr } = await scene.lab.cli(
    host,
    '-o',
    'json',
    'restore',
    'run',
    '--confirm',
    hash,
  );
  const lines = stdout.trim().split('\n');
  const view = JSON.parse(lastLine(stdout)) as OperationView;
  if (!('phase' in view)) throw new Error(`the restore did not begin: ${stdout}${stderr}`);
  const phases = lines.map((line) => (JSON.parse(line) as OperationView).phase);
  return { exitCode, view, phases: phases.filter((phase, index) => phase !== phases[index - 1]) };
}

/** Starts a restore that nobody follows. */
export function runUnwatched(scene: Scene, host: LabHost, made: OperationPlan): void {
  scene.lab.ask(host, 'restore.run', { planHash: made.hash, requestedBy: 'test' }).catch(() => undefined);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** The operation as one agent tells it. */
export async function viewAt(
  { lab }: Pick<Scene, 'lab'>,
  host: LabHost,
  operation: string,
): Promise<OperationView | undefined> {
  const { operations } = await lab.ask(host, 'restore.status', {});
  return operations.find((view) => view.operation === operation);
}

/** Waits until this agent says that the operation is in that phase. */
export async function untilPhase(
  scene: Scene,
  host: LabHost,
  made: OperationPlan,
  phase: string,
): Promise<void> {
  await expect
    .poll(
      async () => (await viewAt(scene, host, made.decided.operation).catch(() => undefined))?.phase,
      PATIENT,
    )
    .toBe(phase);
}

export async function expectPhaseEverywhere(scene: Scene, made: OperationPlan, phase: string): Promise<void> {
  for (const host of scene.hosts) await untilPhase(scene, host, made, phase);
}

export async function etcdPids({ lab, hosts }: Scene): Promise<number[]> {
  return await Promise.all(hosts.map((host) => lab.etcdPid(host)));
}

export async function clusterIdAt({ lab }: Scene, host: LabHost): Promise<string | undefined> {
  return (await lab.ask(host, 'status', {})).etcd.clusterId;
}

/** What an operation leaves beside the member: nothing but data set aside, no hold, no staging. */
export async function expectTidy({ lab, hosts }: Scene): Promise<void> {
  for (const host of hosts) {
    expect(await readdir(host.dataDir)).not.toContain('.lifeboat');
    expect((await lab.ask(host, 'status', {})).etcd.heldBy).toBeUndefined();
  }
}

/** The new cluster is complete: one ID that is not the old one, on every member, and it takes a write. */
export async function expectNewCluster(scene: Scene, made: RestorePlan, oldClusterId: string): Promise<void> {
  const ids = new Set(await Promise.all(scene.hosts.map((host) => clusterIdAt(scene, host))));
  expect(ids.size).toBe(1);
  expect(ids).not.toContain(oldClusterId);
  for (const host of scene.hosts) {
    const members = await scene.lab.ctl(host, 'member', 'list');
    expect(members.trim().split('\n')).toHaveLength(made.decided.hosts.length);
    await scene.lab.ctl(host, 'put', `written through ${host.name}`, 'yes');
  }
}

/** A process that fails dies by the supervisor again: the hold is gone and the agent is back in charge. */
export async function expectRestartedByItsAgent(scene: Scene, host: LabHost): Promise<void> {
  const before = await scene.lab.etcdPid(host);
  process.kill(before, 'SIGKILL');
  await expect
    .poll(async () => {
      const pid = await scene.lab.etcdPid(host);
      return pid !== 0 && pid !== before;
    }, PATIENT)
    .toBe(true);
}

/** A follower of `restore run` that the test does not wait for yet. */
export function runInBackground(scene: Scene, host: LabHost, made: OperationPlan): Promise<Ended> {
  const running = run(scene, host, made);
  // Looked at when it is awaited.
  running.catch(() => undefined);
  return running;
}
