import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { flags } from '../cluster/obstacles.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import { checkEnd, lookBefore } from './end-state.ts';
import type { KillLane, LaneScene } from './kill-lane.ts';
import { SCENE_OF, type Path } from './paths.ts';
import { settle, type Settled } from './settle.ts';
import { until } from './until.ts';

/**
 * Who is killed: `participant` h2, or `coordinator` h1, which come back at once; `gone`: the coordinator, and another host takes
 * over before it is back.
 */
export type Role = 'participant' | 'coordinator' | 'gone';

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
    role === 'gone' ? await goOnWithout(scene, operation) : await comeBack(scene, victim, operation);
  await checkEnd(scene, { kind, before, operation, end: settled.end });
  return { ...cell, ...settled };
}

async function comeBack(scene: LaneScene, victim: LabHost, operation: string): Promise<Settled> {
  await scene.lab.startAgent(victim);
  return await settle(scene, scene.hosts, operation);
}

/** h2 takes over, and h1 comes back when the others have ended. */
async function goOnWithout(scene: LaneScene, operation: string): Promise<Settled> {
  const [h1, h2, h3] = scene.hosts;
  const { operations } = await scene.lab.ask(h2, 'restore.status', {});
  const typed: string[] = [];
  if (operations.some((view) => view.operation === operation && view.endedAt === undefined)) {
    typed.push('h2: restore takeover OP');
    scene.lab
      .ask(h2, 'restore.takeover', { operation, requestedBy: 'test' })
      // It follows the operation to its end, which may need another command: the agents are asked instead.
      .catch(() => undefined);
  }
  const first = await settle(scene, [h2, h3], operation);
  await scene.lab.startAgent(h1);
  const last = await settle(scene, scene.hosts, operation);
  return { end: last.end, typed: [...typed, ...first.typed, ...last.typed] };
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
