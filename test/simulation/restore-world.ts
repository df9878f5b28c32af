import type { OperationPhase } from '../../src/formats/restore-journal.ts';
import type { FoundState, RestorePlan } from '../../src/formats/restore-plan.ts';
import { compareEpochs } from '../../src/restore/ballot.ts';
import type { CoordinatorState } from '../../src/restore/coordinator-state.ts';
import { Breach, CallFailed } from './accidents.ts';
import { answerTask } from './coordinator-tasks.ts';
import type { FaultKind } from './fault-kinds.ts';
import type { Message, Request } from './messages.ts';
import { SimulatedNetwork } from './network.ts';
import { breachNow, breachOfPlan } from './restore-invariants.ts';
import type { Rules } from './rules.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedAgent } from './simulated-agent.ts';
import { SimulatedHost, type Forced } from './simulated-host.ts';
import { SimulatedSnapshots } from './simulated-snapshots.ts';
import type { Shelves } from './snapshot-shelves.ts';

const GRACE_MS = 30_000;
export const GATE_TIMEOUT_MS = 40_000;
const TAKEOVER_AFTER_MS = 60_000;

export interface WorldOptions {
  readonly plan: RestorePlan;
  readonly rules: Rules;
  readonly separateWal: (host: string) => boolean;
  readonly shelves: Shelves;
  readonly say?: ((words: string) => void) | undefined;
}

export interface FaultSeen {
  readonly kind: FaultKind;
  readonly phase: OperationPhase | 'not begun';
}

/** Hosts, the network between them, clients and a clock: everything of one operation but the order in which things happen. */
export class RestoreWorld {
  readonly plan: RestorePlan;
  readonly rules: Rules;
  readonly hosts: readonly SimulatedHost[];
  readonly network = new SimulatedNetwork();
  readonly forced: Forced[] = [];
  readonly faults: FaultSeen[] = [];
  readonly say: (words: string) => void;
  nowMs = 1_000_000;
  /** Something failed that may lead to a rollback. */
  hasReasonToGoBack = false;
  operatorRollsBack = false;
  /** When the coordinator last asked for clients' writes, there were some. */
  clientsHadWritten = false;
  /** The acceptance gate finds that what etcd serves is not what was restored. */
  gateFails = false;
  guardFails = false;
  takeovers = 0;
  #changesSeen = -1;
  #ballotsSeen = -1;

  constructor({ plan, rules, separateWal, shelves, say }: WorldOptions) {
    this.plan = plan;
    this.rules = rules;
    this.say = say ?? (() => undefined);
    const { network } = this;
    this.hosts = plan.decided.hosts.map(
      ({ agent, found }) =>
        new SimulatedHost({
          ...{ name: agent, plan, rules, found, graceMs: GRACE_MS },
          ...{ separateWal: separateWal(agent), say: this.say, nextId: network.nextId, post: network.post },
          snapshots: shelves.get(agent) ?? new SimulatedSnapshots(),
          reachSnapshots: (holder) =>
            this.reach(agent, holder) === undefined ? undefined : shelves.get(holder),
          worldMs: () => this.nowMs,
          onForced: (forced) => {
            this.forced.push(forced);
          },
        }),
    );
    for (const host of this.hosts) host.start();
  }

  /** The coordinator of the newest epoch that drives, or drove last. */
  get driving(): CoordinatorState | undefined {
    const states = this.hosts.flatMap(({ agent }) => agent?.driving ?? []);
    return states.sort((a, b) => compareEpochs(b.epoch, a.epoch))[0];
  }

  get phase(): OperationPhase | 'not begun' {
    return this.driving?.phase ?? 'not begun';
  }

  fault(kind: FaultKind): void {
    this.faults.push({ kind, phase: this.phase });
    this.say(`~~ ${kind}`);
  }

  host(name: string): SimulatedHost {
    const host = this.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  /** The agent that `asker` reaches on a host now, if any. */
  reach(asker: string, name: string): SimulatedAgent | undefined {
    return this.network.connects(asker, name) ? this.host(name).running : undefined;
  }

  /** @throws {Breach} when the plan is not one that may be offered. */
  begin(): void {
    const breach = breachOfPlan(this);
    if (breach !== undefined) throw new Breach(breach);
    const host = this.host(this.plan.decided.coordinator);
    host.guard(() => {
      try {
        host.agent?.run();
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
      }
    });
  }

  deliver(message: Message | undefined): void {
    if (message === undefined) return;
    const host = this.host(message.to);
    const agent = host.running;
    // It waits in the socket of a process that is stopped.
    if (agent === undefined) {
      if (host.isFrozen) this.network.post(message);
      return;
    }
    host.guard(() => {
      if (message.type === 'request') this.#answer(agent, message);
      else agent.coordinator?.hear(message);
    });
  }

  #answer(agent: SimulatedAgent, request: Request): void {
    const { id, from, to } = request;
    let answer;
    try {
      answer = agent.answer(request);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      answer = error.code;
    }
    this.network.post({ type: 'answer', id, from: to, to: from, answer });
  }

  work(host: SimulatedHost): void {
    host.guard(() => host.running?.participant?.act());
  }

  /** What a coordinator asked of its surroundings is answered, if it can be by now. */
  task(host: SimulatedHost): void {
    const coordinator = host.running?.coordinator;
    if (coordinator === undefined || coordinator.isStopped || coordinator.tasks.length === 0) return;
    host.guard(() => {
      answerTask(this, host, coordinator);
    });
  }

  tick(host: SimulatedHost): void {
    host.guard(() => host.running?.coordinator?.tick());
  }

  /** A participant that nobody drives asks the hosts, its own included, how the operation ended. */
  look(host: SimulatedHost): void {
    const agent = host.running;
    if (agent === undefined || !agent.isActive || agent.isDriven) return;
    const outcomes = this.hosts.map(({ name }) => this.reach(host.name, name)?.outcome() ?? { known: false });
    host.guard(() => {
      try {
        if (agent.look(outcomes, TAKEOVER_AFTER_MS) !== 'took over') return;
        this.takeovers += 1;
        this.fault('takeover by time');
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
      }
    });
  }

  /** @throws {Breach} */
  requireInvariants(): void {
    const changes = this.hosts.reduce((sum, host) => sum + host.changes, 0);
    if (changes === this.#changesSeen) return;
    this.#changesSeen = changes;
    // A host that could not be brought onto the new data is one.
    this.hasReasonToGoBack ||= this.hosts.some(
      ({ agent }) => agent?.participant?.state.failure !== undefined,
    );
    const ballots = this.hosts.reduce((sum, host) => sum + host.ballots, 0);
    const breach = breachNow(this, ballots !== this.#ballotsSeen);
    this.#ballotsSeen = ballots;
    if (breach !== undefined) throw new Breach(breach);
  }
}

export function foundOf(random: SeededRandom): FoundState {
  return random.pick(['running', 'running', 'running', 'running', 'restarting', 'stopped', 'absent']);
}
