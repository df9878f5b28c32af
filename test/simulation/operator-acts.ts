import type { TakeoverOrder } from '../../src/formats/restore-journal.ts';
import type { OperatorRequest } from '../../src/formats/restore-messages.ts';
import { isEnded } from '../../src/restore/phases.ts';
import { CallFailed } from './accidents.ts';
import type { FaultKind } from './fault-kinds.ts';
import type { RestoreWorld } from './restore-world.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedHost } from './simulated-host.ts';

type OperatorFault = Extract<FaultKind, `operator ${string}`>;

/** What a person may type on any host at any time. */
export const operatorActs: Readonly<
  Record<OperatorFault, (world: RestoreWorld, random: SeededRandom) => boolean>
> = {
  'operator aborts': (world, random) => onAnyHost(world, random, (host) => request(world, host, 'abort', [])),
  'operator accepts': (world, random) =>
    onAnyHost(world, random, (host) => request(world, host, 'accept', givenUp(world, random, host))),
  'operator rolls back': (world, random) =>
    onAnyHost(world, random, (host) => rollBack(world, host, givenUp(world, random, host))),
  'operator takes over': (world, random) => onAnyHost(world, random, (host) => takeOver(world, host)),
  'operator resumes': (world, random) => onAnyHost(world, random, (host) => resume(world, host)),
  'operator forces': (world, random) => {
    const without = world.hosts.filter(({ isLeft }) => !isLeft).map(({ name }) => name);
    if (without.length === 0) return false;
    const outcome = random.pick(['commit', 'abort'] as const);
    return onAnyHost(world, random, (host) => takeOver(world, host, { without, outcome }));
  },
};

type Act = (host: SimulatedHost) => boolean;

function onAnyHost(world: RestoreWorld, random: SeededRandom, act: Act): boolean {
  const hosts = world.hosts.filter(({ running }) => running?.participant !== undefined);
  return hosts.length > 0 && act(random.pick(hosts));
}

/** Hosts that do not answer, or none. */
function givenUp(world: RestoreWorld, random: SeededRandom, asker: SimulatedHost): string[] {
  if (random.chance(0.5)) return [];
  return world.hosts
    .filter(({ name }) => world.reach(asker.name, name) === undefined)
    .map(({ name }) => name);
}

/** As `lifeboat restore abort|accept|rollback` on `host`. @returns Whether it was let through. */
export function request(
  world: RestoreWorld,
  host: SimulatedHost,
  kind: OperatorRequest['kind'],
  without: readonly string[],
): boolean {
  const name = host.running?.epoch?.agent;
  if (name === undefined) return false;
  const driving = world.reach(host.name, name);
  return carriedOut(world.host(name), () => driving?.request({ kind, without: [...without] }));
}

/** Hosts that are given up are kept off from before: that is what the command asks of the operator. */
export function rollBack(world: RestoreWorld, host: SimulatedHost, without: readonly string[]): boolean {
  if (without.includes(host.name)) return false;
  const asked = world.host(host.running?.epoch?.agent ?? host.name);
  const { agent } = asked;
  const wasOrdered = world.operatorRollsBack;
  world.operatorRollsBack = true;
  const wentThrough = request(world, host, 'rollback', without);
  // An agent that went down over it, or could not write, may have written it down all the same.
  const isUnknown = agent !== undefined && (asked.agent !== agent || isInDoubt(asked));
  if (!wentThrough && !isUnknown) {
    world.operatorRollsBack = wasOrdered;
    return false;
  }
  for (const name of without) keepOff(world.host(name));
  return true;
}

function isInDoubt({ agent, journal }: SimulatedHost): boolean {
  return agent?.coordinator?.waitsForJournal === true || journal.isUnsettled;
}

function keepOff(host: SimulatedHost): void {
  host.isKeptOff = true;
  host.isKeptBack = true;
  if (host.machine.isOn) host.crash(true, 1);
}

export function takeOver(world: RestoreWorld, host: SimulatedHost, order?: TakeoverOrder): boolean {
  const agent = host.running;
  if (agent === undefined || order?.without.includes(host.name) === true) return false;
  const known = world.hosts.flatMap(({ name }) => world.reach(host.name, name)?.outcome().epoch ?? []);
  const done = carriedOut(host, () => {
    agent.takeOver(known, order);
  });
  if (done) world.takeovers += 1;
  return done;
}

/** As `lifeboat restore resume`: refused where somebody drives it. */
export function resume(world: RestoreWorld, host: SimulatedHost): boolean {
  const outcomes = world.hosts.map(({ name }) => world.reach(host.name, name)?.outcome());
  const isDriven = outcomes.some((outcome) => outcome?.drives !== undefined && !isEnded(outcome.drives));
  return !isDriven && takeOver(world, host);
}

function carriedOut(host: SimulatedHost, act: () => void): boolean {
  let done = false;
  host.guard(() => {
    try {
      act();
      done = true;
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
    }
  });
  return done;
}
