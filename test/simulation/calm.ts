import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { nextCommands } from '../../src/restore/next-commands.ts';
import { isClosed, isEnded, leadsOut } from '../../src/restore/phases.ts';
import { Breach } from './accidents.ts';
import { request, resume, rollBack, takeOver } from './operator-acts.ts';
import { breachAtEnd } from './restore-invariants.ts';
import type { RestoreWorld } from './restore-world.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedAgent } from './simulated-agent.ts';
import type { SimulatedHost } from './simulated-host.ts';

const ROUND_MS = 2000;
/** Nothing has changed for so long: the operator looks. */
const ROUNDS_OF_PATIENCE = 35;
const STILL_MS = ROUND_MS * ROUNDS_OF_PATIENCE;
const MOST_COMMANDS = 25;

/**
 * Everything that is left works again, and the operator types what the status offers. The operation must come to its end so.
 *
 * @throws {Breach} of I2 when it does not.
 */
export function calmDown(world: RestoreWorld, random: SeededRandom): void {
  mend(world);
  const typed: string[] = [];
  for (;;) {
    if (goOn(world)) break;
    const commands = offered(world);
    if (commands.length === 0 || typed.length >= MOST_COMMANDS) {
      const reason =
        commands.length === 0 ? 'nothing is offered' : `it was told ${typed.slice(-4).join('; ')}`;
      throw new Breach(`I2: it never ends: ${standing(world)}; ${reason}`);
    }
    const { host, command } = random.pick(commands);
    typed.push(`${command} on ${host.name}`);
    world.say(`> ${command} on ${host.name}`);
    type(world, host, command);
    world.requireInvariants();
  }
  const breach = breachAtEnd(world);
  if (breach !== undefined) throw new Breach(breach);
}

function mend(world: RestoreWorld): void {
  world.say('-- everything works again');
  world.network.heal();
  world.network.clear();
  world.gateFails = false;
  world.guardFails = false;
  for (const host of world.hosts) {
    host.isFrozen = false;
    host.isKeptOff = false;
    host.machine.startFails = false;
    host.journal.disarm();
    // What was under way is lost with its link.
    for (const { name } of world.hosts) host.agent?.coordinator?.giveUpWaiting(name);
  }
}

/** @returns Whether it ended. */
function goOn(world: RestoreWorld): boolean {
  for (let quiet = 0; quiet < ROUNDS_OF_PATIENCE;) {
    const before = standing(world);
    round(world);
    if (isOver(world)) return true;
    quiet = standing(world) === before ? quiet + 1 : 0;
  }
  return false;
}

function round(world: RestoreWorld): void {
  world.nowMs += ROUND_MS;
  for (const host of world.hosts) {
    host.start();
    if (host.agent !== undefined) host.machine.superviseEtcd();
    world.work(host);
    world.requireInvariants();
  }
  for (const host of world.hosts) {
    for (const { name } of world.hosts) host.guard(() => host.running?.coordinator?.send(name));
  }
  const late: (() => void)[] = [];
  for (
    let message = world.network.takeOldest();
    message !== undefined;
    message = world.network.takeOldest()
  ) {
    const host = world.host(message.to);
    world.deliver(message);
    // A host that cannot be reached is silent.
    if (message.type === 'request' && host.running === undefined) {
      const { from, to } = message;
      late.push(() => world.host(from).running?.coordinator?.giveUpWaiting(to));
    }
    world.requireInvariants();
  }
  for (const note of late) note();
  for (const host of world.hosts) {
    world.task(host);
    world.tick(host);
    world.look(host);
    world.requireInvariants();
  }
}

function isOver({ hosts }: RestoreWorld): boolean {
  return hosts.every((host) => !host.isLeft || (host.agent !== undefined && isDoneOn(host.agent)));
}

function isDoneOn({ participant, driving }: SimulatedAgent): boolean {
  const isOut = participant === undefined || isClosed(participant.state.phase);
  return isOut && (driving === undefined || isEnded(driving.phase));
}

function standing({ hosts }: RestoreWorld): string {
  return hosts.map((host) => `${host.name} ${standingOf(host)}`).join(', ');
}

function standingOf({ isDead, isReimaged, agent }: SimulatedHost): string {
  if (isDead || isReimaged) return isDead ? 'lost' : 'reimaged';
  if (agent?.participant === undefined) return 'untouched';
  const { phase, failure, votes } = agent.participant.state;
  const { driving } = agent;
  const whole = driving === undefined ? '' : ` drives ${driving.epoch.counter} ${driving.phase}`;
  return `${phase}${failure === undefined ? '' : ' failed'}${whole} ${JSON.stringify(votes)}`;
}

interface Offer {
  readonly host: SimulatedHost;
  readonly command: string;
}

/** What `restore status` offers on the hosts that are left, but for watching. */
function offered({ hosts, plan }: RestoreWorld): Offer[] {
  return hosts.flatMap((host) =>
    host.isLeft
      ? commandsOn(host, plan)
          .filter((command) => !/ (watch|plan)|^rm /.test(command))
          .map((command) => ({ host, command: command.replace(/ *#.*/, '') }))
      : [],
  );
}

function commandsOn({ agent }: SimulatedHost, plan: RestorePlan): string[] {
  const state = agent?.participant?.state;
  if (agent === undefined || state === undefined) return [];
  const { driving, unheardMs } = agent;
  if (driving !== undefined)
    return nextCommands({ phase: driving.phase, plan, coordinator: driving, stillMs: STILL_MS });
  if (isClosed(state.phase)) return [];
  const isStuck = state.failure !== undefined && leadsOut(state.phase);
  return nextCommands({ phase: isStuck ? 'stuck' : 'verifying', plan, unheardMs });
}

function type(world: RestoreWorld, host: SimulatedHost, command: string): void {
  const [, , verb = '', , ...options] = command.split(' ');
  const [, ...after] = options.slice(options.indexOf('--without'));
  const next = after.findIndex((word) => word.startsWith('--'));
  const named = options.includes('--without') ? after.slice(0, next === -1 ? undefined : next) : [];
  switch (verb) {
    case 'abort':
    case 'accept':
      request(world, host, verb, named);
      return;
    case 'rollback':
      rollBack(
        world,
        host,
        named.filter((name) => !world.host(name).isLeft),
      );
      return;
    case 'resume':
      resume(world, host);
      return;
    case 'takeover': {
      const outcome = options[options.indexOf('--force-outcome') + 1];
      // Only of what is dead does anybody swear that it is.
      const isTrue = named.every((name) => !world.host(name).isLeft);
      if (!options.includes('--force-outcome')) takeOver(world, host);
      else if (isTrue && outcome === 'abort') takeOver(world, host, { without: named, outcome });
      return;
    }
    default:
      throw new Breach(`the status offers a command that nobody knows: ${command}`);
  }
}
