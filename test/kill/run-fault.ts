import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperationView } from '../../src/formats/operation-view.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import { checkEnd, lookBefore } from './end-state.ts';
import { FAULTS, type Fault, type FaultName, type FaultScene } from './faults.ts';
import type { KillLane, LaneScene } from './kill-lane.ts';
import { begin } from './run-cell.ts';
import { settle } from './settle.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { until } from './until.ts';

export interface FaultResult {
  readonly end: string;
  readonly typed: readonly string[];
  /** What `restore status` offered while the fault lasted and nothing moved any more. */
  readonly offered: readonly string[];
}

/**
 * The victim stands still at the point, the fault is brought about, the victim goes on. When nothing moves any more, or all has
 * ended, each agent that can be asked must say what to type next; then the fault is mended, and what they say is typed. A fault that
 * stays is mended only when what they say has brought the others to an end.
 */
export async function runFault(lane: KillLane, name: FaultName, point: string): Promise<FaultResult> {
  const fault: Fault = FAULTS[name];
  const disks: AsyncDisposable[] = [];
  // After the scene, whose processes use them.
  await using _disks = {
    [Symbol.asyncDispose]: async () => {
      for (const disk of disks) await disk[Symbol.asyncDispose]();
    },
  };
  const env = [`LIFEBOAT_CRASH_AT=${point}`, 'LIFEBOAT_CRASH_SIGNAL=SIGSTOP'];
  const victimOf = (hosts: readonly LabHost[]): LabHost => {
    const found = hosts.find(({ name: host }) => host === fault.victim);
    if (found === undefined) throw new Error(`the lab has no ${fault.victim}`);
    return found;
  };
  await using scene = await lane.open(
    new Map([[fault.victim, ['env', ...env, ...(fault.env?.(victimOf(lane.hosts)) ?? [])]]]),
    async (hosts) => {
      const { smallDisk } = fault;
      if (smallDisk === undefined) return;
      disks.push(
        await mountSmallDisk(join(victimOf(hosts).directory, smallDisk.directory), smallDisk.sizeMiB),
      );
    },
  );
  const victim = victimOf(scene.hosts);
  const before = await lookBefore(scene, 'lost');
  const { operation } = await begin(scene, 'commit');
  const pid = scene.lab.agentPid(victim);
  await until(`the agent of ${victim.name} stands still at "${point}"`, () => isStopped(pid), 60_000);
  const at: FaultScene = { scene, victim, relays: lane.relays };
  await fault.bring(at);
  if (fault.staysFrozen !== true) process.kill(pid, 'SIGCONT');
  const awake = fault.staysFrozen === true ? scene.hosts.filter((host) => host !== victim) : scene.hosts;
  const offered = await untilStill(scene, awake, operation);
  const meanwhile = fault.isForGood === true ? await settle(scene, awake, operation) : undefined;
  await fault.mend(at);
  if (fault.staysFrozen === true) process.kill(pid, 'SIGCONT');
  const settled = await settle(scene, scene.hosts, operation);
  await checkEnd(scene, { kind: 'lost', before, operation, end: settled.end });
  return { end: settled.end, typed: [...(meanwhile?.typed ?? []), ...settled.typed], offered };
}

/** Longer than a link takes to notice that its other end is gone, and a coordinator to give a silent host up. */
const STILL_MS = 20_000;

/** @returns What each agent offers then. Throws when one of an operation that has not ended offers nothing. */
async function untilStill(
  { lab }: LaneScene,
  hosts: readonly LabHost[],
  operation: string,
): Promise<string[]> {
  let seen = '';
  let views: (OperationView | undefined)[] = [];
  let sinceMs = performance.now();
  await until(
    'nothing moves any more',
    async () => {
      views = await Promise.all(
        hosts.map(async (host) =>
          (await lab.ask(host, 'restore.status', {})).operations.find((view) => view.operation === operation),
        ),
      );
      const now = JSON.stringify(views.map((view) => [view?.phase, view?.hosts.map(({ phase }) => phase)]));
      if (now !== seen) [seen, sinceMs] = [now, performance.now()];
      return views.every((view) => view?.endedAt !== undefined) || performance.now() - sinceMs > STILL_MS;
    },
    120_000,
  );
  return views.flatMap((view, index) => {
    if (view === undefined) return [];
    const [first] = view.next;
    if (first === undefined && view.phase !== 'finished')
      throw new Error(`${hosts[index]?.name ?? ''} is ${view.phase} and offers nothing`);
    return [`${hosts[index]?.name ?? ''} ${view.phase}: ${(first ?? '').replace(operation, 'OP')}`];
  });
}

async function isStopped(pid: number): Promise<boolean> {
  return /^State:\s+T/m.test(await readFile(`/proc/${pid}/status`, 'utf8'));
}
