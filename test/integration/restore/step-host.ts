import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../../../src/base/clock.ts';
import type { FoundState, RestorePlan } from '../../../src/formats/restore-plan.ts';
import type { RestoreTool } from '../../../src/restore-tool/restore-tool.ts';
import { layoutOf } from '../../../src/restore/layout.ts';
import type { WorkingPhase } from '../../../src/restore/phases.ts';
import type { HostContext, RestoringHost } from '../../../src/restore/steps/host-context.ts';
import { completeStep } from '../../../src/restore/steps/step.ts';
import { stepsOf } from '../../../src/restore/steps/steps-of-phase.ts';
import type { EtcdState, Supervisor } from '../../../src/supervisor/supervisor.ts';
import { OPERATION, samplePlan } from '../../support/control-samples.ts';
import { silentLog } from '../../support/silent-log.ts';
import { testProver } from '../../support/thread-programs.ts';

export const NEVER = new AbortController().signal;

/** A supervisor whose etcd only has its database open, as the real one has: a real process, seen by the real steps. */
export class IdleSupervisor implements Supervisor, AsyncDisposable {
  readonly kind = 'command';
  readonly #database: string;
  #etcd: { readonly child: ChildProcess; readonly ended: Promise<unknown> } | undefined;
  #holder: string | undefined;

  constructor(database: string) {
    this.#database = database;
  }

  get running(): boolean {
    return this.#etcd !== undefined;
  }

  state(): Promise<EtcdState> {
    return Promise.resolve({ state: this.running ? 'running' : 'stopped' });
  }

  async stop(): Promise<void> {
    const etcd = this.#etcd;
    this.#etcd = undefined;
    etcd?.child.kill('SIGKILL');
    await etcd?.ended;
  }

  async start(): Promise<void> {
    const database = await open(this.#database, 'r+');
    this.#spawn(database.fd);
    await database.close();
  }

  /** As etcd is in its first moments: a process that has nothing open yet. */
  async startWithNothingOpen(): Promise<void> {
    await this.stop();
    this.#spawn('ignore');
  }

  #spawn(stdin: number | 'ignore'): void {
    const child = spawn('sleep', ['600'], { stdio: [stdin, 'ignore', 'ignore'] });
    this.#etcd = { child, ended: once(child, 'exit') };
  }

  hold(operation: string): Promise<void> {
    this.#holder = operation;
    return Promise.resolve();
  }

  release(): Promise<void> {
    this.#holder = undefined;
    return Promise.resolve();
  }

  heldBy(): Promise<string | undefined> {
    return Promise.resolve(this.#holder);
  }

  fence(): Promise<void> {
    return Promise.resolve();
  }

  liftFence(): Promise<void> {
    return Promise.resolve();
  }

  fencedBy(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

interface StepHostOptions {
  readonly root: string;
  readonly found: FoundState;
  readonly separateWal: boolean;
  /** The real thing, where the restore tool is to run. */
  readonly restore?: {
    readonly tool: Pick<RestoreTool, 'path' | 'version'>;
    readonly snapshotPath: string;
    readonly snapshot: RestorePlan['decided']['snapshot'];
  };
}

/** One host with real directories, ready for the steps of an operation. */
export async function stepHost(
  options: StepHostOptions,
): Promise<RestoringHost & { supervisor: IdleSupervisor }> {
  const { root, found, separateWal, restore } = options;
  const dataDir = join(root, 'data');
  const walDir = join(root, 'wal');
  const [model] = samplePlan().decided.hosts;
  if (model === undefined) throw new Error('a plan without hosts');
  const host = {
    ...model,
    found,
    dataDir,
    ...(separateWal ? { walDir } : {}),
    ...(restore === undefined ? {} : { toolPath: restore.tool.path, toolVersion: restore.tool.version }),
  };
  const { snapshot } = samplePlan().decided;
  const plan = samplePlan({ decided: { hosts: [host], snapshot: restore?.snapshot ?? snapshot } });
  if (found !== 'absent') await writeFiles(dataDir, separateWal ? walDir : undefined, 'old');
  const layout = layoutOf(host, { operation: OPERATION });
  const supervisor = new IdleSupervisor(join(layout.member, 'snap', 'db'));
  if (found === 'running') await supervisor.start();
  return {
    plan,
    host,
    layout,
    supervisor,
    snapshot: {
      locate: () => Promise.resolve(restore?.snapshotPath),
      fetch: () => Promise.resolve(),
      verify: () => Promise.resolve(),
      verifyAfterUse: () => Promise.resolve(),
      use: () => ({ [Symbol.dispose]: () => undefined }),
    },
    prover: testProver,
    settings: { toolStallMs: 60_000 },
    searchPath: '',
    clock: systemClock,
    log: silentLog,
    recordGeneration: () => Promise.resolve(),
  };
}

/** What preparing leaves, without the tool: files that say `new`. */
export async function stageByHand({ layout, plan }: HostContext): Promise<void> {
  await mkdir(layout.staging, { recursive: true });
  await writeFiles(layout.stagedDataDir, layout.wal?.staged, 'new');
  await writeFile(layout.stagedMarker, plan.hash);
}

async function writeFiles(dataDir: string, walDir: string | undefined, content: string): Promise<void> {
  const files = [
    join(dataDir, 'member', 'snap', 'db'),
    join(dataDir, 'member', 'snap', `${content}.snap`),
    ...['0.wal', `${content}.wal`].map((name) => join(walDir ?? join(dataDir, 'member', 'wal'), name)),
  ];
  for (const file of files) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, content, { mode: 0o600 });
  }
}

/** Paths, modes, owners and contents of everything below, for comparison. */
export async function treeOf(root: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const name of (await readdir(root, { recursive: true })).sort()) {
    const { mode, uid, gid } = await lstat(join(root, name));
    const isFile = (mode & 0o170000) === 0o100000;
    const content = isFile ? await readFile(join(root, name), 'latin1') : 'directory';
    tree[name] = `${mode.toString(8)} ${uid}:${gid} ${content}`;
  }
  return tree;
}

/**
 * Where a run of phases stops. `after`: a crash; the effect is there, nothing says so, and the phase starts again.
 * `end`: the step was recorded, and the phase goes no further.
 */
export interface CrashPoint {
  readonly step: string;
  readonly when: 'after' | 'end';
}

class Crash extends Error {}

/**
 * Runs phases as the runner does; crashes at one point, if given, and starts that phase again.
 *
 * @returns The names of the steps, each with its phase in front.
 */
export async function runPhases(
  context: HostContext,
  phases: readonly WorkingPhase[],
  crash?: CrashPoint,
): Promise<string[]> {
  const done = new Set<string>();
  let armed = crash;
  for (const phase of phases) {
    try {
      await runPhase(context, phase, done, armed);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      armed = undefined;
      await runPhase(context, phase, done, undefined);
    }
  }
  return [...done];
}

async function runPhase(
  context: HostContext,
  phase: WorkingPhase,
  done: Set<string>,
  crash: CrashPoint | undefined,
): Promise<void> {
  for (const step of stepsOf(phase, context)) {
    const name = `${phase}/${step.name}`;
    if (step.askAgain !== true && done.has(name)) continue;
    const record = (_step: string, outcome: string): Promise<void> => {
      if (outcome !== 'done') return Promise.resolve();
      if (crash?.step === name && crash.when === 'after') return Promise.reject(new Crash(name));
      done.add(name);
      return Promise.resolve();
    };
    await completeStep(step, record, NEVER, () => undefined);
    if (crash?.step === name && crash.when === 'end') throw new Error(`${name} ends here`);
  }
}
