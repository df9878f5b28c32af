import type { BallotDecision, BallotSlot, ParticipantPhase } from '../../src/formats/restore-journal.ts';
import { majorityOf } from '../../src/restore/ballot.ts';
import { isClosed } from '../../src/restore/phases.ts';
import type { RestoreWorld } from './restore-world.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { SimulatedMachine } from './simulated-machine.ts';

const SLOTS = ['first', 'second'] as const satisfies readonly BallotSlot[];

/** What holds at every moment. The first breach, in words, or `undefined`. `hasBallots`: there are votes since the last look. */
export function breachNow(world: RestoreWorld, hasBallots: boolean): string | undefined {
  const ofBallots = hasBallots ? (decisions(world) ?? goingBack(world)) : undefined;
  return ofBallots ?? dataSets(world) ?? builtOf(world) ?? twoClusters(world);
}

function decisions(world: RestoreWorld): string | undefined {
  const { hosts } = world;
  for (const slot of SLOTS) {
    const decided = new Set(hosts.flatMap(({ decided: { [slot]: known } }) => [...known]));
    // What the operator forces may differ from what only a lost host knew, and from what nobody acted on yet.
    if (decided.size > 1 && world.forced.length === 0)
      return `I2: the ${slot} slot was decided twice: ${[...decided].join(', ')}`;
    if (hosts.some(acts('commit')) && hosts.some(acts('abort')))
      return 'I2: one host goes on and another one aborts';
    const ofLeft = new Set(hosts.filter(({ isLeft }) => isLeft).flatMap((host) => [...host.decided[slot]]));
    for (const decision of ofLeft) {
      if (decision !== 'abort' && !isDecided(world, slot, decision as BallotDecision))
        return `I5: ${decision} is acted on, and no majority has synced it`;
    }
  }
  return undefined;
}

const ACTS = {
  abort: ['aborting', 'aborted'],
  commit: ['committing', 'started', 'finishing', 'finished', 'rollback-stopping', 'rollback-stopped'],
} as const satisfies Record<string, readonly ParticipantPhase[]>;

function acts(on: keyof typeof ACTS) {
  return ({ isLeft, agent }: SimulatedHost): boolean =>
    isLeft && ACTS[on].some((phase) => phase === agent?.participant?.state.phase);
}

function isDecided(world: RestoreWorld, slot: BallotSlot, decision: BallotDecision): boolean {
  const { hosts, forced } = world;
  const epochs = hosts.flatMap((host) => host.votes[slot]).filter((vote) => vote.decision === decision);
  return epochs.some(({ epoch }) => {
    const order = forced.find(
      (one) => one.epoch.counter === epoch.counter && one.epoch.agent === epoch.agent,
    );
    const voters = hosts.filter(({ name }) => order?.order.without.includes(name) !== true);
    return voters.filter((host) => host.hasVoted(slot, decision, epoch)).length >= majorityOf(voters.length);
  });
}

function goingBack(world: RestoreWorld): string | undefined {
  // What a host that is lost for good voted for leads to nothing, and clients may have written since.
  const goesBack = world.hosts.some(
    ({ isLeft, votes }) => isLeft && votes.second.some(({ decision }) => decision === 'rollback'),
  );
  if (!goesBack || world.operatorRollsBack) return undefined;
  if (!world.hasReasonToGoBack) return 'I3: it is rolled back though nothing failed';
  return world.clientsHadWritten ? 'I3: it is rolled back by itself though clients had written' : undefined;
}

function halvesOf({ options }: SimulatedMachine): number {
  return options.separateWal ? 2 : 1;
}

const MOVED = ['member', 'wal', 'member.restored', 'wal.restored'] as const;

function dataSets(world: RestoreWorld): string | undefined {
  let committed: boolean | undefined;
  for (const { name, machine, isLeft } of world.hosts) {
    if (!isLeft) continue;
    const contents = machine.directories.contents();
    const halves = halvesOf(machine);
    const old = contents.filter((content) => content === 'old').length;
    if (old !== (machine.options.found === 'absent' ? 0 : halves)) return `I3: old data of ${name} is lost`;
    const isNew = MOVED.some((place) => machine.directories.get(place) === 'new');
    if (isNew && !(committed ??= isDecided(world, 'first', 'commit')))
      return `I5: ${name} moved its data before a majority had the decision`;
    if (machine.hasWrites && contents.filter((content) => content === 'new').length !== halves)
      return `I3: what clients wrote on ${name} is lost`;
  }
  return undefined;
}

/** What is staged, and whatever runs of it, was made of the plan's bytes, and of a copy that nobody on the host had found wrong. */
function builtOf({ hosts, plan }: RestoreWorld): string | undefined {
  const { sha256 } = plan.decided.snapshot;
  for (const { name, machine, isLeft } of hosts) {
    const { built, directories, etcd } = machine;
    if (!isLeft || built === undefined || (etcd?.data !== 'new' && !directories.has('staged.json'))) continue;
    if (built.sha256 !== sha256) return `I1: ${name} is made of ${built.sha256}, the plan says ${sha256}`;
    if (built.grade === 'failed') return `I7: ${name} is made of a copy that had failed its proof`;
  }
  return undefined;
}

/** What an operator is offered, held against what every host knows of its copies. */
export function breachOfPlan({ hosts, plan }: RestoreWorld): string | undefined {
  const { snapshot, skipHashCheck, reason } = plan.decided;
  for (const host of hosts) {
    const breach = offeredThough(host, plan.decided);
    if (breach !== undefined) return breach;
  }
  const isProved = snapshot.grade === 'hashed' || snapshot.grade === 'booted';
  return isProved || (skipHashCheck && reason !== undefined)
    ? undefined
    : `I7: ${snapshot.id} has no proof, and nobody said that it may be used`;
}

function offeredThough(
  { name, machine }: SimulatedHost,
  { snapshot, holders }: RestoreWorld['plan']['decided'],
): string | undefined {
  const { manifest } = machine.snapshots.get(snapshot.id) ?? {};
  if (manifest?.sha256 !== snapshot.sha256 || manifest.grade !== 'failed') return undefined;
  if (holders.includes(name)) return `I7: the copy of ${name} is offered, and had failed its proof`;
  return manifest.proofs.some(({ ofContent }) => ofContent === true)
    ? `I7: ${snapshot.id} is offered, though ${name} had found its content wrong`
    : undefined;
}

function twoClusters({ hosts }: RestoreWorld): string | undefined {
  const running = hosts.filter(({ isLeft, machine }) => isLeft && machine.etcd !== undefined);
  const onOld = running.filter(({ machine }) => machine.etcd?.data === 'old');
  const onNew = running.filter(({ machine }) => machine.etcd?.data === 'new');
  if (onOld.length === 0 || onNew.length === 0) return undefined;
  const names = (some: readonly SimulatedHost[]): string => some.map(({ name }) => name).join(', ');
  const accepted = hosts.some(({ decided }) => decided.second.has('accepted'));
  return `${accepted ? 'I9' : 'I4'}: ${names(onOld)} runs old data while ${names(onNew)} runs restored data`;
}

/** What holds when everything can be reached again and the operation is over. */
export function breachAtEnd({ hosts }: RestoreWorld): string | undefined {
  const left = hosts.filter(({ isLeft }) => isLeft);
  const ends = new Set(left.flatMap(({ agent }) => agent?.participant?.state.phase ?? []));
  if (ends.size > 1) return `I2: the hosts ended differently: ${[...ends].join(', ')}`;
  const [end] = ends;
  if (end !== undefined && !isClosed(end)) return `I2: the hosts ended ${end}`;
  const untouched = left.find(({ agent }) => end === 'finished' && agent?.participant === undefined);
  if (untouched !== undefined) return `I2: ${untouched.name} took no part in what the others finished`;
  const sums = new Set(end === 'finished' ? left.map(({ machine }) => machine.built?.sha256) : []);
  if (sums.size > 1) return `I1: the members were made of ${[...sums].join(', ')}`;
  for (const host of left) {
    const breach = notAsEnded(host, end);
    if (breach !== undefined) return `I2: ${host.name} ended ${end ?? 'untouched'} with ${breach}`;
  }
  return undefined;
}

function notAsEnded({ machine, agent }: SimulatedHost, end: string | undefined): string | undefined {
  if (machine.isHeld) return 'the hold in place';
  return end === 'finished' ? notRestored(machine, agent !== undefined) : notAsFound(machine);
}

function notRestored({ data, etcd }: SimulatedMachine, hasAgent: boolean): string | undefined {
  if (!hasAgent) return 'its agent down';
  if (data !== 'new') return `${data} data`;
  return etcd === undefined ? 'etcd down' : undefined;
}

function notAsFound({ data, etcd, options: { found } }: SimulatedMachine): string | undefined {
  if (data !== (found === 'absent' ? 'nothing' : 'old')) return `${data} data`;
  if (found === 'running') return etcd === undefined ? 'etcd down' : undefined;
  return etcd !== undefined && found !== 'restarting' ? 'etcd running' : undefined;
}
