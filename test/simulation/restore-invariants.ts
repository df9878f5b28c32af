import type { BallotDecision, BallotSlot } from '../../src/formats/restore-journal.ts';
import type { SimulatedHost } from './simulated-host.ts';

const SLOTS = ['first', 'second'] as const satisfies readonly BallotSlot[];
const ON_THE_NEW = ['committing', 'started', 'finishing', 'finished'];
const ON_THE_OLD = ['aborting', 'aborted'];

/** What holds at every moment. The first breach, in words, or `undefined`. */
export function breachNow(hosts: readonly SimulatedHost[]): string | undefined {
  for (const slot of SLOTS) {
    const breach = twoDecisions(hosts, slot) ?? decidedByFew(hosts, slot);
    if (breach !== undefined) return breach;
  }
  const phases = hosts.flatMap(({ participant }) => participant?.phase ?? []);
  if (
    phases.some((phase) => ON_THE_NEW.includes(phase)) &&
    phases.some((phase) => ON_THE_OLD.includes(phase))
  )
    return `I2: one goes on and another aborts: ${phases.join(', ')}`;
  const running = new Set(hosts.map(({ machine }) => machine.etcd));
  if (running.has('new') && running.has('old')) return 'I4: old and new data run at the same time';
  const touched = hosts.find(({ machine }) => machine.data !== 'old');
  if (touched !== undefined && !hasMajority(hosts, 'first', 'commit'))
    return `I5: ${touched.agent} moved its data before a majority had the decision`;
  return undefined;
}

function twoDecisions(hosts: readonly SimulatedHost[], slot: BallotSlot): string | undefined {
  const decided = new Set(hosts.flatMap(({ disk }) => disk.decided(slot)));
  if (decided.size > 1) return `I2: the ${slot} slot was decided twice: ${[...decided].join(', ')}`;
  const turncoat = hosts.find(({ disk }) => disk.votes(slot).length > 1);
  return turncoat === undefined ? undefined : `${turncoat.agent} voted twice in the ${slot} slot`;
}

/** A host that never began holds nothing that an abort would have to undo: it needs no vote. */
function decidedByFew(hosts: readonly SimulatedHost[], slot: BallotSlot): string | undefined {
  for (const decision of new Set(hosts.flatMap(({ disk }) => disk.decided(slot)))) {
    if (decision !== 'abort' && !hasMajority(hosts, slot, decision))
      return `I5: ${decision} was decided by fewer than a majority`;
  }
  return undefined;
}

function hasMajority(hosts: readonly SimulatedHost[], slot: BallotSlot, decision: BallotDecision): boolean {
  return hosts.filter(({ disk }) => disk.votes(slot).includes(decision)).length > hosts.length / 2;
}

/** What holds when everything can be reached and nothing goes on any more. */
export function breachAtEnd(hosts: readonly SimulatedHost[]): string | undefined {
  const coordinator = hosts.find((host) => host.coordinator !== undefined)?.coordinator;
  // The first line never became durable: there was no operation.
  if (coordinator === undefined) return everyHost(hosts, [undefined], 'old');
  const { phase, failure } = coordinator;
  if (phase === 'finished') return everyHost(hosts, ['finished'], 'new');
  if (phase === 'aborted') return everyHost(hosts, ['aborted', undefined], 'old');
  if (phase === 'rolled-back') return everyHost(hosts, ['rolled-back'], 'old');
  if (phase !== 'stuck') return `the operation ended in ${phase}`;
  return failure === undefined ? 'I2: stuck without a reason' : undefined;
}

function everyHost(
  hosts: readonly SimulatedHost[],
  phases: readonly (string | undefined)[],
  data: 'old' | 'new',
): string | undefined {
  for (const { agent, participant, machine, isStuck } of hosts) {
    if (isStuck) continue;
    const phase = participant?.phase;
    if (!phases.includes(phase)) return `I2: ${agent} ended ${phase ?? 'unopened'}`;
    if (machine.data !== data || machine.etcd !== data || machine.held) {
      const held = machine.held ? ', still held' : '';
      return `I2: ${agent} ended with ${machine.data} data and ${machine.etcd} etcd${held}`;
    }
  }
  return undefined;
}
