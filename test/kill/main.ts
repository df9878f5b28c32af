import { appendFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { KillLane } from './kill-lane.ts';
import { FAULTS, type FaultName } from './faults.ts';
import { faultLane, laneOf, type Path } from './paths.ts';
import { discover, discoverSuccessor, runCell, type Cell, type CellResult, type Role } from './run-cell.ts';
import { runFault } from './run-fault.ts';
import { tableOf } from './table.ts';

const PATHS: readonly Path[] = ['commit', 'rollback', 'abort'];
const ROLES: readonly Role[] = ['participant', 'coordinator', 'gone', 'timed'];
const TAKEOVER_AFTER_SECONDS = 5;
const USAGE =
  'npm run test:kill -- [--only PATTERN] [--lanes N] [--scratch DIR] [--again failed|all] [--table] (PATTERN: "path role point")';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    lanes: { type: 'string', default: '2' },
    scratch: { type: 'string', default: join(tmpdir(), 'lifeboat-kill') },
    again: { type: 'string' },
    table: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
process.exitCode = values.help ? say(USAGE) : await main();

/** A kill, or a fault. */
type Try = Cell | { readonly path: 'fault'; readonly role: FaultName; readonly point: string };

async function main(): Promise<number> {
  await mkdir(values.scratch, { recursive: true });
  const resultsFile = join(values.scratch, 'results.jsonl');
  const startedMs = performance.now();
  if (!values.table) {
    const points = await pointsOf();
    const done = await resultsIn(resultsFile);
    const kept = done.filter(
      ({ failure }) => values.again !== 'all' && (values.again === undefined || failure === undefined),
    );
    const cells = [...cellsOf(points), ...(await successorCells()), ...faultCells()].filter(
      (cell) =>
        new RegExp(values.only).test(nameOf(cell)) && !kept.some((each) => nameOf(each) === nameOf(cell)),
    );
    say(`${cells.length} kills to make, ${kept.length} made before`);
    await runAll(cells, resultsFile);
  }
  const results = (await latest(resultsFile)).filter((cell) => new RegExp(values.only).test(nameOf(cell)));
  say(tableOf(results));
  say(`this run took ${Math.round((performance.now() - startedMs) / 1000)} s`);
  return results.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

/** Each lane takes the next kill as soon as it is free. */
async function runAll(cells: readonly Try[], resultsFile: string): Promise<void> {
  const queue = [...cells];
  const lanes = Array.from({ length: Number(values.lanes) }, async (_, lane) => {
    const open = new Map<string, KillLane>();
    for (let cell = queue.shift(); cell !== undefined; cell = queue.shift()) {
      const result = await runOne(await laneFor(cell, lane, open), cell);
      await appendFile(resultsFile, `${JSON.stringify(result)}\n`);
      say(
        `${result.failure === undefined ? 'ok  ' : 'FAIL'} ${nameOf(cell)}  ${result.end}  ${result.seconds} s  ${result.typed.join('; ')}${result.failure === undefined ? '' : `\n     ${result.failure}`} (${queue.length} left)`,
      );
    }
  });
  await Promise.all(lanes);
}

async function runOne(lane: KillLane, cell: Try): Promise<CellResult> {
  const startedMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedMs) / 100) / 10;
  try {
    const ended =
      cell.path === 'fault' ? await runFault(lane, cell.role, cell.point) : await runCell(lane, cell);
    return { ...cell, ...ended, seconds: seconds() };
  } catch (error) {
    await keepTraces(lane, cell);
    const failure =
      error instanceof Error
        ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}`
        : String(error);
    return { ...cell, end: 'FAILED', typed: [], seconds: seconds(), failure };
  }
}

/** What the agents wrote, for whoever looks for the cause. */
async function keepTraces(lane: KillLane, cell: Try): Promise<void> {
  const target = join(values.scratch, 'failed', nameOf(cell).replaceAll(/[^\w=-]+/g, '_'));
  await rm(target, { recursive: true, force: true });
  for (const host of ['h1', 'h2', 'h3'])
    await cp(join(lane.directory, 'live', host), join(target, host), {
      recursive: true,
      filter: (path) => !/\.(sock|wal|tmp)$|snapshot\.db$|\/db$/.test(path),
    });
}

async function laneFor(
  { path, role }: Pick<Try, 'path' | 'role'>,
  lane: number,
  open: Map<string, KillLane>,
): Promise<KillLane> {
  const afterSeconds = role === 'timed' ? TAKEOVER_AFTER_SECONDS : 0;
  const key = afterSeconds > 0 ? `${path}-timed` : path;
  const known = open.get(key);
  if (known !== undefined) return known;
  const directory = join(values.scratch, `lane-${lane}-${key}`);
  const made = path === 'fault' ? faultLane(directory) : laneOf(path, directory, afterSeconds);
  await made.prepare();
  open.set(key, made);
  return made;
}

type Points = Readonly<Record<Path, Readonly<Record<'h1' | 'h2', readonly string[]>>>>;

/** Listed by runs without a crash, once for each scratch directory. */
async function pointsOf(): Promise<Points> {
  const file = join(values.scratch, 'points.json');
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as Points;
  const points: Partial<Record<Path, Record<'h1' | 'h2', readonly string[]>>> = {};
  for (const path of PATHS) {
    const lane = await laneFor({ path, role: 'participant' }, 0, new Map());
    const [h1, h2] = ['h1', 'h2'].map((name) => join(values.scratch, `points-${path}-${name}`));
    if (h1 === undefined || h2 === undefined) throw new Error('two lists');
    await Promise.all([h1, h2].map((list) => rm(list, { force: true })));
    const end = await discover(
      lane,
      path,
      new Map([
        ['h1', h1],
        ['h2', h2],
      ]),
    );
    points[path] = { h1: await linesOf(h1), h2: await linesOf(h2) };
    say(
      `without a crash "${path}" ends in ${end}: h1 passes ${points[path].h1.length} points, h2 ${points[path].h2.length}`,
    );
  }
  await writeFile(file, JSON.stringify(points));
  return points as Points;
}

/** A way back begins as the way forward does: only what is new on it is tried. Before a step begins is after the line before. */
function cellsOf(points: Points): Cell[] {
  const cells = PATHS.flatMap((path) =>
    ROLES.flatMap((role) => {
      const host = role === 'participant' ? 'h2' : 'h1';
      const news = points[path][host].filter(
        (point) =>
          !/^before .*\/started$/.test(point) && (path === 'commit' || !points.commit[host].includes(point)),
      );
      return news.map((point) => ({ path, role, point }));
    }),
  );
  return [...cells.filter(isDistinct), ...cells.filter((cell) => !isDistinct(cell))];
}

/** Listed by one run for each path, once for each scratch directory. */
async function successorCells(): Promise<Cell[]> {
  const cells: Cell[] = [];
  const [, first] = /^\^(\w+)/.exec(values.only) ?? [];
  for (const path of PATHS) {
    if (first !== undefined && path !== first) continue;
    const list = join(values.scratch, `points-${path}-successor`);
    const points = await successorPoints(path, list);
    const known = new Set(cells.map(({ point }) => point));
    const news = points.filter((point) => !/^before .*\/started$/.test(point) && !known.has(point));
    cells.push(...news.map((point) => ({ path, role: 'successor', point }) as const));
  }
  return cells;
}

async function successorPoints(path: Path, list: string): Promise<string[]> {
  const known = await readFile(`${list}.json`, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as string[];
  await rm(list, { force: true });
  const points = await discoverSuccessor(
    await laneFor({ path, role: 'successor' }, 0, new Map()),
    path,
    list,
  );
  await writeFile(`${list}.json`, JSON.stringify(points));
  return points;
}

function faultCells(): Try[] {
  const names = Object.keys(FAULTS) as FaultName[];
  return names.flatMap((role) =>
    FAULTS[role].points.map((point) => ({ path: 'fault', role, point }) as const),
  );
}

/** What differs on the victim's own disk comes first: elsewhere before a line is after the one before it. */
function isDistinct({ point }: Cell): boolean {
  return point.startsWith('after ') || point.endsWith('/done');
}

async function linesOf(file: string): Promise<string[]> {
  return [...new Set((await readFile(file, 'utf8')).trim().split('\n'))];
}

async function latest(file: string): Promise<CellResult[]> {
  const byName = new Map((await resultsIn(file)).map((result) => [nameOf(result), result]));
  return [...byName.values()];
}

async function resultsIn(file: string): Promise<CellResult[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line) as CellResult)));
}

function nameOf({ path, role, point }: Pick<CellResult, 'path' | 'role' | 'point'>): string {
  return `${path} ${role} ${point}`;
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
