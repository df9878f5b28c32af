import { readFile } from 'node:fs/promises';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { flags } from '../cluster/obstacles.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import { checkEnd, lookBefore } from './end-state.ts';
import type { KillLane, LaneScene } from './kill-lane.ts';
import { GONE_AT, SCENE_OF, type Path } from './paths.ts';
import { settle, type Settled } from './settle.ts';
import { until } from './until.ts';

/**
 * Who is killed: `participant` h2, or `coordinator` h1, which come back at once; `gone`: the coordinator, and another host takes
 * over before it is back; `timed`: the same, and it does so by itself; `successor`: the host that took over, which comes back at once, while
 * the first coordinator stays away.
 */
export type Role = 'participant' | 'coordinator' | 'gone' | 'timed' | 'successor';

export interface Cell {
  readonly path: Path;
  readonly role: Role;
  readonly point: string;
}

/** A row of the table: a kill, or a `fault` at a point. */
export interface CellResult {
  readonly path: Path | 'fault';
  readonly role: string;
  readonly point: string;
  readonly end: string;
  readonly seconds: number;
  readonly typed: readonly string[];
  /** What `restore status` offered while a fault lasted. */
  readonly offered?: readonly string[];
  readonly failure?: string;
}

/** The agents whose passing of `point` is listed, by the file that gets it. */
export async function discover(
  lane: KillLane,
  path: Path,
  lists: ReadonlyMap<string, string>,
): Promise<string> {
  const launchers = [...lists].map(([name, file]) => [name, ['env', `LIFEBOAT_CRASH_LIST=${file}`]] as const);
  await using scene = await lane.open(new Map(launchers));
  const { operation } = await begin(scene, path);
  return (await settle(scene, scene.hosts, operation)).end;
}

/** One kill and what became of it. Throws when that is not what it must be. */
export async function runCell(lane: KillLane, cell: Cell): Promise<Omit<CellResult, 'seconds'>> {
  const { path, role, point } = cell;
  if (role === 'successor') return await killSuccessor(lane, cell);
  const kind = SCENE_OF[path];
  const victimName = role === 'participant' ? 'h2' : 'h1';
  await using scene = await lane.open(new Map([[victimName, ['env', `LIFEBOAT_CRASH_AT=${point}`]]]));
  const [h1, h2] = scene.hosts;
  const victim = role === 'participant' ? h2 : h1;
  const before = await lookBefore(scene, kind);
  const pid = scene.lab.agentPid(victim);
  const { operation } = await begin(scene, path);
  await until(`the agent of ${victim.name} dies at "${point}"`, () => Promise.resolve(!isThere(pid)), 40_000);
  await scene.lab.stopAgent(victim, 'SIGKILL');
  scene.launchers.delete(victim.name);
  const settled =
    role === 'gone' || role === 'timed'
      ? await goOnWithout(scene, operation, role)
      : await comeBack(scene, victim, operation);
  await checkEnd(scene, { kind, before, operation, end: settled.end });
  return { ...cell, ...settled };
}

async function comeBack(scene: LaneScene, victim: LabHost, operation: string): Promise<Settled> {
  await scene.lab.startAgent(victim);
  return await settle(scene, scene.hosts, operation);
}

/** h2 takes over, or whoever does so by itself, and h1 comes back when the others have ended. */
async function goOnWithout(scene: LaneScene, operation: string, role: 'gone' | 'timed'): Promise<Settled> {
  const [h1, h2, h3] = scene.hosts;
  const typed = role === 'gone' ? await takeOver(scene, operation) : [];
  const first = await settle(scene, [h2, h3], operation);
  if (role === 'timed' && first.typed.some((words) => words.includes('takeover')))
    throw new Error(`nobody took over by itself; typed: ${first.typed.join('; ')}`);
  await scene.lab.startAgent(h1);
  const last = await settle(scene, scene.hosts, operation);
  return { end: last.end, typed: [...typed, ...first.typed, ...last.typed] };
}

/** By command on h2, if it knows of the operation and that goes on. */
async function takeOver({ lab, hosts: [, h2] }: LaneScene, operation: string): Promise<string[]> {
  const { operations } = await lab.ask(h2, 'restore.status', {});
  if (!operations.some((view) => view.operation === operation && view.endedAt === undefined)) return [];
  lab
    .ask(h2, 'restore.takeover', { operation, requestedBy: 'test' })
    // It follows the operation to its end, which may need another command: the agents are asked instead.
    .catch(() => undefined);
  return ['h2: restore takeover OP'];
}

/** The first coordinator is gone, and h2 has taken over. */
async function successorOf(scene: LaneScene, path: Path): Promise<{ operation: string; typed: string[] }> {
  const [h1] = scene.hosts;
  const pid = scene.lab.agentPid(h1);
  const { operation } = await begin(scene, path);
  await until(`the agent of h1 dies at "${GONE_AT[path]}"`, () => Promise.resolve(!isThere(pid)), 40_000);
  await scene.lab.stopAgent(h1, 'SIGKILL');
  scene.launchers.delete(h1.name);
  return { operation, typed: await takeOver(scene, operation) };
}

/** What h2 passes from its takeover on, each place with how often it was passed before and then. */
export async function discoverSuccessor(lane: KillLane, path: Path, list: string): Promise<string[]> {
  await using scene = await lane.open(
    new Map([
      ['h1', ['env', `LIFEBOAT_CRASH_AT=${GONE_AT[path]}`]],
      ['h2', ['env', `LIFEBOAT_CRASH_LIST=${list}`]],
    ]),
  );
  const { operation } = await successorOf(scene, path);
  const [, h2, h3] = scene.hosts;
  await settle(scene, [h2, h3], operation);
  const times = new Map<string, number>();
  const passed = (await readFile(list, 'utf8'))
    .trim()
    .split('\n')
    .map((point) => {
      const count = (times.get(point) ?? 0) + 1;
      times.set(point, count);
      return count === 1 ? point : `${point}#${count}`;
    });
  return passed.slice(passed.indexOf('before coordinating'));
}

/** The successor is killed at the point and started again; the first coordinator comes back when the others have ended. */
async function killSuccessor(lane: KillLane, cell: Cell): Promise<Omit<CellResult, 'seconds'>> {
  const { path, point } = cell;
  const kind = SCENE_OF[path];
  await using scene = await lane.open(
    new Map([
      ['h1', ['env', `LIFEBOAT_CRASH_AT=${GONE_AT[path]}`]],
      ['h2', ['env', `LIFEBOAT_CRASH_AT=${point}`]],
    ]),
  );
  const [h1, h2, h3] = scene.hosts;
  const before = await lookBefore(scene, kind);
  const pid = scene.lab.agentPid(h2);
  const { operation, typed } = await successorOf(scene, path);
  // Some of its lines come of what an operator types, as the first coordinator is not there.
  const alone = await settle(scene, [h2, h3], operation, () => !isThere(pid));
  if (isThere(pid)) throw new Error(`it ended ${alone.end}, and h2 never passed "${point}"`);
  await scene.lab.stopAgent(h2, 'SIGKILL');
  scene.launchers.delete(h2.name);
  await scene.lab.startAgent(h2);
  const first = await settle(scene, [h2, h3], operation);
  await scene.lab.startAgent(h1);
  const last = await settle(scene, scene.hosts, operation);
  await checkEnd(scene, { kind, before, operation, end: last.end });
  return { ...cell, end: last.end, typed: [...typed, ...alone.typed, ...first.typed, ...last.typed] };
}

export async function begin(scene: LaneScene, path: Path): Promise<{ readonly operation: string }> {
  const [h1, , h3] = scene.hosts;
  if (path === 'rollback') await flags.refusesNewData(h3).set();
  const made = await planOf(scene, h1, path);
  scene.lab.ask(h1, 'restore.run', { planHash: made.hash, requestedBy: 'test' }).catch(() => undefined);
  const { operation } = made.decided;
  // Answered when it was begun, or when the agent that is asked is dead.
  await until('the restore begins', async () => {
    try {
      const { operations } = await scene.lab.ask(h1, 'restore.status', {});
      return operations.some((view) => view.operation === operation);
    } catch {
      return true;
    }
  });
  return { operation };
}

async function planOf({ lab }: LaneScene, host: LabHost, path: Path): Promise<RestorePlan> {
  return await lab.ask(host, 'restore.plan', {
    source: { from: 'latest' },
    skipHashCheck: false,
    discardCurrent: SCENE_OF[path] === 'serving',
    allowForeign: false,
    disarmAlarms: false,
    without: [],
  });
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
