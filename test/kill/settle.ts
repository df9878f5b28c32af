import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationView } from '../../src/formats/operation-view.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import type { LaneScene } from './kill-lane.ts';

export interface Settled {
  readonly end: string;
  /** What `restore status` offered and was typed, as `host: command`. */
  readonly typed: readonly string[];
}

const LOOK_MS = 200;
/** An operation that stood still for so long does not go on by itself. */
const STILL_MS = 6000;
const LONGEST_MS = 150_000;
/** Watching changes nothing. */
const IDLE = /^lifeboat restore (watch|plan)\b|^rm /;

/**
 * Waits until the operation has ended on all of these hosts. Where it stands still, the first command that some agent's
 * `restore status` prints and that does more than watching is typed there.
 */
export async function settle(
  scene: LaneScene,
  hosts: readonly LabHost[],
  operation: string,
): Promise<Settled> {
  const typed: string[] = [];
  const deadline = performance.now() + LONGEST_MS;
  let seen = '';
  let stillSince = performance.now();
  for (;;) {
    const views = await Promise.all(hosts.map((host) => viewAt(scene, host, operation)));
    const known = views.flatMap((view) => view ?? []);
    if (known.every(({ phase, endedAt }) => endedAt !== undefined && phase !== 'stuck')) {
      const ends = new Set(known.map(({ phase }) => phase));
      if (ends.size <= 1) return { end: [...ends][0] ?? 'never began', typed };
    }
    const now = standing(known);
    if (now !== seen) [seen, stillSince] = [now, performance.now()];
    if (performance.now() - stillSince >= STILL_MS) {
      const words = await typeNext(scene, hosts, operation);
      if (words !== undefined) typed.push(words);
      stillSince = performance.now();
    }
    if (performance.now() > deadline) throw new Error(`it does not end: ${now}; typed: ${typed.join('; ')}`);
    await sleep(LOOK_MS);
  }
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

/** As an operator does: reads `next` of one host after the other, and types the first that changes something. */
async function typeNext(
  scene: LaneScene,
  hosts: readonly LabHost[],
  operation: string,
): Promise<string | undefined> {
  const views = await Promise.all(
    hosts.map(async (host) => ({ host, view: await viewAt(scene, host, operation) })),
  );
  const driversFirst = views.sort((a, b) => rank(a.view) - rank(b.view));
  for (const { host, view } of driversFirst) {
    const command = view?.next.find((each) => !IDLE.test(each));
    if (command === undefined) continue;
    const [, ...words] = command.replace(/ {2}#.*$/, '').split(' ');
    const { exitCode, stderr } = await scene.lab.cli(host, ...words, '--yes');
    return `${host.name}: ${words.join(' ').replace(operation, 'OP')} -> ${exitCode}${exitCode === 2 ? ` ${stderr}` : ''}`;
  }
  return undefined;
}

function rank(view: OperationView | undefined): number {
  return view?.role === 'coordinator' ? 0 : 1;
}
