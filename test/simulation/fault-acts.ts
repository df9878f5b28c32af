import type { FaultKind } from './fault-kinds.ts';
import { operatorActs } from './operator-acts.ts';
import { newClusterServes } from './coordinator-tasks.ts';
import type { RestoreWorld } from './restore-world.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedHost } from './simulated-host.ts';
import { OF_ANOTHER_MEMBER, ROTTEN, type SimulatedSnapshots } from './simulated-snapshots.ts';
import type { AppendAccident } from './simulated-journal.ts';

/** @returns Whether it took place: not everything can go wrong at every moment. */
export type FaultAct = (world: RestoreWorld, random: SeededRandom) => boolean;

const ACCIDENTS = [
  'killed-before-write',
  'killed-before-sync',
  'killed-after-sync',
  'power-cut-before-sync',
] as const satisfies readonly AppendAccident[];

const WRITE_ERRORS = [
  'error-nothing-written',
  'error-part-written',
  'error-all-written',
] as const satisfies readonly AppendAccident[];

/** What brings each fault about. `takeover by time` is nobody's act: it comes of waiting. */
export const FAULT_ACTS: Readonly<Record<FaultKind, FaultAct>> = {
  'message lost': ({ network }, random) => network.drop(random) !== undefined,
  'message duplicated': ({ network }, random) => network.duplicate(random),
  partition: (world, random) => cutOff(world, random, true),
  'one-way partition': (world, random) => cutOff(world, random, false),
  'agent killed': (world, random) => crash(running(world, random), false, 1),
  'power cut': (world, random) => crash(switchedOn(world, random), true, random.next()),
  'crash in append': (world, random) => arm(world, random, random.pick(ACCIDENTS)),
  'failed write': (world, random) => arm(world, random, random.pick(WRITE_ERRORS)),
  'agent frozen': freeze,
  'clock jump': jump,
  'etcd died': etcdDies,
  'etcd does not start': (world, random) => {
    const host = random.pick(world.hosts);
    if (host.machine.startFails) return false;
    host.machine.startFails = true;
    return true;
  },
  'step failed': (world, random) => {
    const working = world.hosts.filter((host) => host.running?.participant?.works === true);
    if (working.length === 0) return false;
    const host = random.pick(working);
    host.guard(() => host.running?.participant?.fail());
    return true;
  },
  'gate failed': (world) => {
    if (world.gateFails || !['committing', 'verifying'].includes(world.phase)) return false;
    world.gateFails = true;
    return true;
  },
  'guard failed': (world) => {
    if (world.guardFails || !['prepared', 'stopped'].includes(world.phase)) return false;
    world.guardFails = true;
    return true;
  },
  'client write': writeToNewCluster,
  'host reimaged': (world, random) =>
    lose(world, random, (host) => {
      host.reimage();
    }),
  'host lost for good': (world, random) =>
    lose(world, random, (host) => {
      host.crash(true, 1);
      host.isDead = true;
    }),
  'takeover by time': () => false,
  'copy rotted': (world, random) => onCopy(world, random, (snapshots, id) => snapshots.rot(id)),
  'copy replaced': (world, random) => onCopy(world, random, (snapshots, id) => snapshots.replace(id)),
  'copy found wrong': (world, random) =>
    onCopy(world, random, (snapshots, id) => {
      snapshots.fail(id);
      return true;
    }),
  'other bytes sent': (world, random) =>
    onCopy(world, random, (snapshots) => {
      const { revision } = world.plan.decided.snapshot;
      const trailerFits = random.chance(0.5);
      snapshots.sendsOtherBytes = { sha256: trailerFits ? OF_ANOTHER_MEMBER : ROTTEN, revision, trailerFits };
      return true;
    }),
  ...operatorActs,
};

function running(world: RestoreWorld, random: SeededRandom): SimulatedHost | undefined {
  const up = world.hosts.filter(({ agent }) => agent !== undefined);
  return up.length === 0 ? undefined : random.pick(up);
}

function switchedOn(world: RestoreWorld, random: SeededRandom): SimulatedHost | undefined {
  const on = world.hosts.filter(({ machine }) => machine.isOn);
  return on.length === 0 ? undefined : random.pick(on);
}

function crash(host: SimulatedHost | undefined, power: boolean, part: number): boolean {
  host?.crash(power, part);
  return host !== undefined;
}

function arm(world: RestoreWorld, random: SeededRandom, accident: AppendAccident): boolean {
  const host = running(world, random);
  host?.journal.arm({ accident, part: random.next() });
  return host !== undefined;
}

function cutOff({ network, hosts }: RestoreWorld, random: SeededRandom, bothWays: boolean): boolean {
  if (hosts.length < 2) return false;
  const { name } = random.pick(hosts);
  const others = hosts.filter((other) => other.name !== name && random.chance(0.7));
  const outwards = random.chance(0.5);
  for (const other of others) {
    if (bothWays || outwards) network.block(name, other.name);
    if (bothWays || !outwards) network.block(other.name, name);
  }
  return others.length > 0;
}

function freeze(world: RestoreWorld, random: SeededRandom): boolean {
  const host = running(world, random);
  if (host === undefined || host.isFrozen) return false;
  host.isFrozen = true;
  return true;
}

function jump({ hosts }: RestoreWorld, random: SeededRandom): boolean {
  const host = random.pick(hosts);
  host.clockOffsetMs += random.pick([-3_600_000, -40_000, 40_000, 3_600_000]);
  return true;
}

function etcdDies({ hosts }: RestoreWorld, random: SeededRandom): boolean {
  const alive = hosts.filter(({ machine }) => machine.etcd !== undefined);
  if (alive.length === 0) return false;
  const host = random.pick(alive);
  host.machine.etcd = undefined;
  host.changes += 1;
  return true;
}

function writeToNewCluster(world: RestoreWorld): boolean {
  if (!newClusterServes(world)) return false;
  for (const { machine } of world.hosts) if (machine.etcd?.data === 'new') machine.hasWrites = true;
  return true;
}

/** One host is always left. */
function lose(world: RestoreWorld, random: SeededRandom, how: (host: SimulatedHost) => void): boolean {
  const left = world.hosts.filter(({ isLeft }) => isLeft);
  if (left.length < 2 || world.phase === 'not begun') return false;
  how(random.pick(left));
  return true;
}

/** Something befalls the plan's snapshot on one of the hosts that hold it. */
function onCopy(
  { hosts, plan }: RestoreWorld,
  random: SeededRandom,
  befall: (snapshots: SimulatedSnapshots, id: string) => boolean,
): boolean {
  const { id } = plan.decided.snapshot;
  const holders = hosts.filter(({ machine }) => machine.snapshots.get(id) !== undefined);
  return holders.length > 0 && befall(random.pick(holders).machine.snapshots, id);
}
