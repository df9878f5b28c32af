import type { Goal, ParticipantReport } from '../../src/formats/restore-messages.ts';
import type { OperationPhase } from '../../src/formats/restore-journal.ts';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { goalFor, type CoordinatorEvent } from '../../src/restore/coordinator-state.ts';
import { isClosed, isEnded } from '../../src/restore/phases.ts';
import { breachAtEnd, breachNow } from './restore-invariants.ts';
import type { SeededRandom } from './seeded-random.ts';
import { SimulatedHost } from './simulated-host.ts';

interface Request {
  readonly type: 'request';
  readonly id: number;
  readonly to: string;
  readonly goal: Goal;
}

interface Answer {
  readonly type: 'answer';
  readonly id: number;
  readonly from: string;
  /** `undefined`: it does not know the operation, or will not take part. */
  readonly report: ParticipantReport | undefined;
}

/** How often things go wrong, each from 0 to 1 for each turn. */
export interface Weather {
  readonly lossy: number;
  readonly crashing: number;
  readonly failing: number;
}

const GRACE_MS = 10_000;
const MOST_CALM_ROUNDS = 300;

/** One operation over simulated hosts: messages are late, lost and out of order, and hosts come and go. */
export class RestoreWorld {
  readonly hosts: readonly SimulatedHost[];
  readonly #random: SeededRandom;
  #weather: Weather;
  #nowMs = 0;
  #lastId = 0;
  #changesSeen = 0;
  #messages: (Request | Answer)[] = [];
  /** The request to each host that its coordinator waits for: later answers to earlier ones are not looked at. */
  #outstanding = new Map<string, Request>();
  readonly #refusing: string | undefined;
  readonly #gateFails: boolean;

  constructor(plan: RestorePlan, random: SeededRandom, weather: Weather) {
    this.#random = random;
    this.#weather = weather;
    const coordinator = plan.decided.coordinator;
    this.hosts = plan.decided.hosts.map(
      ({ agent }) =>
        new SimulatedHost({
          agent,
          plan,
          epoch: { counter: 1, agent: coordinator },
          graceMs: GRACE_MS,
          crashesAt: (lineBytes) =>
            random.chance(this.#weather.crashing) ? { keptBytes: random.below(lineBytes * 2) } : undefined,
        }),
    );
    this.#gateFails = random.chance(0.3);
    if (random.chance(this.#weather.failing / 4)) this.#refusing = this.hosts.at(-1)?.agent;
  }

  /** @returns The first thing that must never happen, or `undefined`. */
  run(turns: number): string | undefined {
    this.#driver.open(true);
    for (let turn = 0; turn < turns; turn += 1) {
      this.#turn();
      const breach = this.#lookAgain();
      if (breach !== undefined) return breach;
    }
    return this.#calmDown() ?? breachAtEnd(this.hosts);
  }

  /** How the operation stands for its coordinator; `undefined` where it never began. */
  get phase(): OperationPhase | undefined {
    return this.#driver.coordinator?.phase;
  }

  #lookAgain(): string | undefined {
    const changes = this.hosts.reduce((sum, host) => sum + host.changes, 0);
    if (changes === this.#changesSeen) return undefined;
    this.#changesSeen = changes;
    return breachNow(this.hosts);
  }

  get #driver(): SimulatedHost {
    const [first] = this.hosts;
    if (first === undefined) throw new Error('a world without hosts');
    return first;
  }

  #turn(): void {
    const acts = [
      ...[this.#send, this.#send, this.#send, this.#deliver, this.#deliver, this.#deliver, this.#deliver],
      ...[
        this.#work,
        this.#work,
        this.#work,
        this.#answer,
        this.#tick,
        this.#comeAndGo,
        this.#ask,
        this.#giveUpWaiting,
      ],
    ];
    this.#random.pick(acts).call(this);
  }

  #drive(event: CoordinatorEvent): void {
    this.#driver.drive(event);
    if (!this.#driver.isUp) this.#outstanding.clear();
  }

  /** As the driving loops do: one request to each host at a time, a new one when the goal changes. */
  #send(): void {
    const { coordinator } = this.#driver;
    const { agent: to } = this.#random.pick(this.hosts);
    const goal = coordinator === undefined ? undefined : goalFor(coordinator, to);
    if (goal === undefined) return;
    if (this.#outstanding.get(to)?.goal === goal) return;
    this.#lastId += 1;
    const request: Request = { type: 'request', id: this.#lastId, to, goal };
    this.#outstanding.set(to, request);
    this.#messages.push(request);
  }

  #deliver(): void {
    if (this.#messages.length === 0) return;
    const [message] = this.#messages.splice(this.#random.below(this.#messages.length), 1);
    if (message === undefined || this.#random.chance(this.#weather.lossy)) return;
    if (message.type === 'request') this.#arrive(message);
    else this.#hear(message);
  }

  #arrive({ id, to, goal }: Request): void {
    const host = this.#hostOf(to);
    const { isUp } = host;
    if (!isUp) return;
    const report = this.#advance(host, goal);
    if (host.isUp) this.#messages.push({ type: 'answer', id, from: to, report });
  }

  #advance(host: SimulatedHost, goal: Goal): ParticipantReport | undefined {
    if (host.participant === undefined && host.agent === this.#refusing) return undefined;
    return host.advance(goal);
  }

  #hear({ id, from, report }: Answer): void {
    if (this.#outstanding.get(from)?.id !== id) return;
    this.#outstanding.delete(from);
    this.#take(from, report);
  }

  #take(agent: string, report: ParticipantReport | undefined): void {
    if (report !== undefined) {
      this.#drive({ type: 'report', report });
    } else if (this.#driver.coordinator?.reports[agent] === undefined) {
      const failure = { code: 'OPERATION_UNKNOWN', message: 'no such operation' };
      this.#drive({ type: 'refused', agent, failure });
    } else {
      this.#drive({ type: 'silent', agent, atMs: this.#nowMs });
    }
  }

  #giveUpWaiting(): void {
    const { agent } = this.#random.pick(this.hosts);
    if (!this.#outstanding.delete(agent)) return;
    this.#drive({ type: 'silent', agent, atMs: this.#nowMs });
  }

  #work(): void {
    const host = this.#random.pick(this.hosts);
    if (!host.isUp) return;
    if (this.#random.chance(this.#weather.failing / 10)) host.fail();
    else host.act();
  }

  /** Guards, the gate and the look for clients' writes come back. */
  #answer(): void {
    const effect = this.#driver.waiting.shift();
    if (effect === undefined) return;
    const fails = this.#random.chance(this.#weather.failing / 2);
    const failure = { code: 'RESTORE_STEP_FAILED', message: 'not as planned' };
    if (effect.type === 'check-guards') {
      this.#drive(fails ? { type: 'guard-failed', failure } : { type: 'guard-passed', stage: effect.stage });
    } else if (effect.type === 'check-writes') {
      this.#drive({ type: 'writes-checked', clientsWrote: this.#random.chance(0.3) });
    } else if (this.#gateFails) {
      this.#drive({ type: 'gate-failed', failure });
    } else if (this.hosts.every(({ machine }) => machine.etcd === 'new')) {
      this.#drive({ type: 'gate-passed' });
    } else {
      this.#driver.waiting.push(effect);
    }
  }

  #tick(): void {
    this.#nowMs += this.#random.below(GRACE_MS / 8);
    this.#drive({ type: 'tick', atMs: this.#nowMs });
    if (this.#random.chance(this.#weather.failing / 4))
      this.#drive({ type: 'requested', kind: 'abort', by: 'operator', without: [] });
  }

  #comeAndGo(): void {
    const host = this.#random.pick(this.hosts);
    if (!host.isUp) {
      host.start();
    } else if (this.#random.chance(this.#weather.crashing * 4)) {
      host.crash(this.#random.chance(0.5));
      if (host === this.#driver) this.#outstanding.clear();
    }
  }

  /** A participant that nobody drives asks the hosts, its own included, how the operation ended. */
  #ask(): void {
    const host = this.#random.pick(this.hosts);
    if (host.participant === undefined || isClosed(host.participant.phase)) return;
    if (host.coordinator !== undefined && !isEnded(host.coordinator.phase)) return;
    const peer = this.#random.pick(this.hosts);
    if (!peer.isUp) return;
    const outcome = peer.outcome();
    const goal = outcome.first === 'abort' ? 'abort' : outcome.second === 'accepted' ? 'finish' : undefined;
    if (goal !== undefined) host.dispatch({ type: 'learnt', goal });
  }

  /** Everything works again: the operation must end, and soon. */
  #calmDown(): string | undefined {
    this.#weather = { lossy: 0, crashing: 0, failing: 0 };
    this.#messages = [];
    this.#outstanding.clear();
    for (let round = 0; round < MOST_CALM_ROUNDS; round += 1) {
      this.#calmRound();
      const breach = this.#lookAgain();
      if (breach !== undefined) return breach;
      const { coordinator } = this.#driver;
      // What is stuck waits for a person, and so do its hosts.
      if (coordinator?.phase === 'stuck' || this.hosts.every((host) => host.isDone)) return undefined;
    }
    const phases = this.hosts.map(({ agent, participant }) => `${agent} ${participant?.phase ?? 'unopened'}`);
    const whole = this.#driver.coordinator?.phase ?? 'none';
    return `it never ends: the operation is ${whole}, ${phases.join(', ')}`;
  }

  #calmRound(): void {
    for (const host of this.hosts) {
      if (!host.isUp) host.start();
      // Not in step with each other: what one host must wait for would never be seen missing.
      if (this.#random.chance(0.6)) host.act();
    }
    for (const host of this.hosts) {
      const { coordinator } = this.#driver;
      const goal = coordinator === undefined ? undefined : goalFor(coordinator, host.agent);
      if (goal !== undefined) this.#take(host.agent, this.#advance(host, goal));
      this.#ask();
    }
    if (this.#driver.waiting.length > 0) this.#answer();
    this.#nowMs += 500;
    this.#drive({ type: 'tick', atMs: this.#nowMs });
  }

  #hostOf(agent: string): SimulatedHost {
    const host = this.hosts.find((each) => each.agent === agent);
    if (host === undefined) throw new Error(`no host ${agent}`);
    return host;
  }
}
