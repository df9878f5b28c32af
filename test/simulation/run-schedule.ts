import type { OperationPhase } from '../../src/formats/restore-journal.ts';
import { messageOf } from '../../src/base/agent-error.ts';
import { samplePlan } from '../support/control-samples.ts';
import { calmDown } from './calm.ts';
import { FAULT_ACTS } from './fault-acts.ts';
import { foundOf, RestoreWorld, type FaultSeen } from './restore-world.ts';
import { REAL_RULES, type Rules } from './rules.ts';
import type { Schedule } from './schedule.ts';
import { SeededRandom } from './seeded-random.ts';
import type { SimulatedHost } from './simulated-host.ts';
import { chooseFrom, stockShelves } from './snapshot-shelves.ts';

export interface RunResult {
  /** What must never happen and did, in words; it begins with the name of the invariant. */
  readonly breach?: string;
  /** How many of the turns were played. */
  readonly turnsPlayed: number;
  readonly end: OperationPhase | 'not begun';
  readonly takeovers: number;
  readonly faults: readonly FaultSeen[];
}

/** Parts of a seed beyond those of the turns. */
const OF_THE_WORLD = -1;
const OF_THE_CALM = -2;
const OF_THE_SNAPSHOTS = -3;

/** Plays one schedule. Equal schedules give equal results. `say`: hears everything that happens. */
export function runSchedule(
  schedule: Schedule,
  rules: Rules = REAL_RULES,
  say?: (words: string) => void,
): RunResult {
  const world = worldOf(schedule, rules, say);
  let turnsPlayed = 0;
  // What fails on purpose fails often, and nobody reads from where.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    world.begin();
    for (const turn of schedule.turns) {
      playTurn(world, schedule, turn);
      turnsPlayed += 1;
      world.requireInvariants();
    }
    calmDown(world, SeededRandom.of(schedule.seed, OF_THE_CALM));
    return { turnsPlayed, ...told(world) };
  } catch (error) {
    const { takeovers, faults, phase } = world;
    return { breach: messageOf(error), turnsPlayed, end: phase, takeovers, faults };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function told(world: RestoreWorld): Pick<RunResult, 'end' | 'takeovers' | 'faults'> {
  const { takeovers, faults } = world;
  const closed = world.hosts.find(({ isLeft, agent }) => isLeft && agent?.participant !== undefined);
  const end = (closed?.agent?.participant?.state.phase ?? 'not begun') as OperationPhase | 'not begun';
  return { end, takeovers, faults };
}

function worldOf({ seed, hosts }: Schedule, rules: Rules, say?: (words: string) => void): RestoreWorld {
  const random = SeededRandom.of(seed, OF_THE_WORLD);
  const [model] = samplePlan().decided.hosts;
  if (model === undefined) throw new Error('a plan without hosts');
  const planned = Array.from({ length: hosts }, (_, index) => ({
    ...model,
    agent: `h${index + 1}`,
    journalId: `00000000-0000-4000-8000-00000000000${index + 1}`,
    peerUrls: [`https://10.0.0.${index + 1}:2380`],
    found: foundOf(random),
  }));
  const walDirs = planned.map(() => random.chance(0.3));
  const ofSnapshots = SeededRandom.of(seed, OF_THE_SNAPSHOTS);
  const shelves = stockShelves(
    ofSnapshots,
    planned.map(({ agent }) => agent),
  );
  const chosen = chooseFrom(shelves, ofSnapshots, rules.chooseSnapshot);
  const plan = samplePlan({ decided: { ...chosen, coordinator: 'h1', hosts: planned } });
  return new RestoreWorld({
    plan,
    rules,
    shelves,
    say,
    separateWal: (name) => walDirs[planned.findIndex(({ agent }) => agent === name)] === true,
  });
}

function playTurn(
  world: RestoreWorld,
  { seed, faultRate, faults, quietTurns }: Schedule,
  turn: number,
): void {
  const random = SeededRandom.of(seed, turn);
  if (turn >= quietTurns && faults.length > 0 && random.chance(faultRate)) {
    const kind = random.pick(faults);
    const { phase } = world;
    if (FAULT_ACTS[kind](world, random)) {
      world.faults.push({ kind, phase });
      world.say(`~~ ${turn}: ${kind}`);
    }
    return;
  }
  for (let acts = 1 + random.below(5); acts > 0; acts -= 1) random.pick(ORDINARY)(world, random);
}

type Ordinary = (world: RestoreWorld, random: SeededRandom) => void;

const send: Ordinary = (world, random) => {
  const driving = world.hosts.filter((host) => host.running?.coordinator?.isStopped === false);
  if (driving.length === 0) return;
  const host = random.pick(driving);
  host.guard(() => host.running?.coordinator?.send(random.pick(world.hosts).name));
};

const deliver: Ordinary = (world, random) => {
  world.deliver(world.network.take(random));
};

const work: Ordinary = (world, random) => {
  const working = world.hosts.filter((host) => host.running?.participant?.works === true);
  if (working.length > 0) world.work(random.pick(working));
};

const answer: Ordinary = (world, random) => {
  world.task(random.pick(world.hosts));
};

/** Time passes, and each host sees it on a clock of its own. */
const tick: Ordinary = (world, random) => {
  world.nowMs += random.below(8000);
  for (const host of world.hosts) world.tick(host);
  const host = random.pick(world.hosts);
  for (const { name } of world.hosts) {
    if (random.chance(0.1)) host.guard(() => host.running?.coordinator?.giveUpWaiting(name));
  }
  if (random.chance(0.15)) world.network.heal();
};

const comeBack: Ordinary = (world, random) => {
  const host: SimulatedHost = random.pick(world.hosts);
  host.isFrozen = false;
  host.machine.superviseEtcd();
  if (random.chance(0.5)) host.machine.startFails = false;
  host.start();
};

const look: Ordinary = (world, random) => {
  world.look(random.pick(world.hosts));
};

const ORDINARY: readonly Ordinary[] = [
  ...[send, send, send, send, deliver, deliver, deliver, deliver, deliver, deliver],
  ...[work, work, work, work, work, work, answer, answer, tick, comeBack, comeBack, look],
];
