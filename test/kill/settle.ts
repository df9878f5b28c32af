import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationView } from '../../src/formats/operation-view.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import type { LaneScene } from './kill-lane.ts';
import { typeCommand } from './type-command.ts';

export interface Settled {
  readonly end: string;
  /** What `restore status` offered and was typed, as `host: command`. */
  readonly typed: readonly string[];
}

const LOOK_MS = 200;
/** An operation that stood still for so long does not go on by itself. */
const STILL_MS = 6000;
const LONGEST_MS = 150_000;
/** Changes nothing of the operation. */
const IDLE = /^lifeboat restore (watch|plan|clean|undo)\b/;

/**
 * Waits until the operation has ended on all of these hosts. Where it stands still, what an agent's `restore status`
 * prints first is typed there. `isCutShort`: one of the hosts is dead by now, as it should be.
 */
export async function settle(
  scene: LaneScene,
  hosts: readonly LabHost[],
  operation: string,
  isCutShort: () => boolean = () => false,
): Promise<Settled> {
  const typed: string[] = [];
  const deadline = performance.now() + LONGEST_MS;
  let seen = '';
  let stillSince = performance.now();
  for (;;) {
    const views = await unlessDead(isCutShort, () =>
      Promise.all(hosts.map((host) => viewAt(scene, host, operation))),
    );
    if (views === undefined || isCutShort()) return { end: 'cut short', typed };
    const known = views.flatMap((view) => view ?? []);
    const end = endOf(known);
    if (end !== undefined) return { end, typed };
    const now = standing(known);
    if (now !== seen) [seen, stillSince] = [now, performance.now()];
    if (performance.now() - stillSince >= STILL_MS) {
      const words = await unlessDead(isCutShort, () => typeNext(scene, hosts, operation));
      if (words !== undefined) typed.push(words);
      stillSince = performance.now();
    }
    if (performance.now() > deadline) throw new Error(`it does not end: ${now}; typed: ${typed.join('; ')}`);
    await sleep(LOOK_MS);
  }
}

/** What fails because the agent that was asked is dead, as it should be, has no answer. */
async function unlessDead<T>(isCutShort: () => boolean, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isCutShort()) return undefined;
    throw error;
  }
}

/** How it ended for all of them, once it has. */
function endOf(views: readonly OperationView[]): string | undefined {
  if (!views.every(({ phase, endedAt }) => endedAt !== undefined && phase !== 'stuck')) return undefined;
  const ends = new Set(views.map(({ phase }) => phase));
  return ends.size > 1 ? undefined : ([...ends][0] ?? 'never began');
}

function standing(views: readonly OperationView[]): string {
  return JSON.stringify(
    views.map(({ phase, role, epoch, hosts, failure, next }) => ({
      phase,
      role,
      epoch,
      hosts,
      failure,
      next,
    })),
    (key, value: unknown) => (key === 'bytes' ? undefined : value),
  ).replaceAll(/for \d+ s/g, '');
}

async function viewAt(
  { lab }: LaneScene,
  host: LabHost,
  operation: string,
): Promise<OperationView | undefined> {
  const { operations } = await lab.ask(host, 'restore.status', {});
  return operations.find((view) => view.operation === operation);
}

/**
 * As an operator does: reads what `restore status` prints on one host after the other, whoever drives it first, and types the first line
 * there as it stands. Where that is to watch, the next host is looked at.
 */
async function typeNext(
  scene: LaneScene,
  hosts: readonly LabHost[],
  operation: string,
): Promise<string | undefined> {
  const views = await Promise.all(
    hosts.map(async (host) => ({ host, view: await printedAt(scene, host, operation) })),
  );
  const driversFirst = views.sort((a, b) => rank(a.view) - rank(b.view));
  for (const { host, view } of driversFirst) {
    const command = view?.next[0];
    if (command === undefined || IDLE.test(command)) continue;
    const place = command.includes(' # on another host')
      ? (hosts.find((each) => each !== host) ?? host)
      : host;
    const { exitCode, output } = await typeCommand(place, command);
    const words = `${place.name}: ${command.replace(operation, 'OP').replace(/^lifeboat /, '')}`;
    if (/OPERATION_REFUSED|USAGE/.test(output))
      throw new Error(`what was printed is refused: ${words}: ${output}`);
    return `${words} -> ${exitCode}`;
  }
  return undefined;
}

async function printedAt(
  { lab }: LaneScene,
  host: LabHost,
  operation: string,
): Promise<OperationView | undefined> {
  const { operations } = await lab.json<{ operations: OperationView[] }>(host, 'restore', 'status');
  return operations.find((view) => view.operation === operation);
}

function rank(view: OperationView | undefined): number {
  return view?.role === 'coordinator' ? 0 : 1;
}
