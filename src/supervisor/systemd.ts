import { readFile } from 'node:fs/promises';
import { AgentError } from '../base/agent-error.ts';
import { HoldFile, type Fence } from './hold-file.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import { requireVisibleProcesses } from './require-visible-processes.ts';
import { untilNobodyUses } from './seen-stopped.ts';
import {
  DEFAULT_SETTLE_MS,
  directoriesOf,
  type CommonSupervisorOptions,
  type EtcdState,
  type Supervisor,
  type SupervisorContext,
} from './supervisor.ts';
import { Systemctl } from './systemctl.ts';
import { StartPermit } from './start-permit.ts';
import { whyHoldIsIgnored } from './unit-conditions.ts';
import { etcdStateOf, type UnitFacts } from './unit-facts.ts';

export interface SystemdOptions extends CommonSupervisorOptions {
  readonly kind: 'systemd';
  /** For example `etcd.service`. */
  readonly unit: string;
  /** This agent's alone, and in memory: where the drop-in looks for the permit of a start. */
  readonly runtimeDir: string;
  readonly systemctl?: string;
  readonly journalctl?: string;
  /** After this time without an end, the unit's processes are killed. */
  readonly stopTimeoutMs: number;
  /** How long the process may take to appear. Dependencies of the unit count. */
  readonly startTimeoutMs: number;
}

const LOOK_AGAIN_MS = 100;
const KILLED_WITHIN_MS = 10_000;

/** etcd as a unit of systemd. The hold works by the drop-in systemd/etcd-hold.conf, also against `Restart=`. */
export async function openSystemdSupervisor(
  options: SystemdOptions,
  context: SupervisorContext,
): Promise<Supervisor> {
  const hold = new HoldFile(options.holdFile);
  const permit = new StartPermit(options.runtimeDir);
  await permit.withdraw();
  await hold.sync();
  return new SystemdSupervisor(options, context, { hold, permit });
}

class SystemdSupervisor implements Supervisor {
  readonly kind = 'systemd';
  readonly #options: SystemdOptions;
  readonly #context: SupervisorContext;
  readonly #hold: HoldFile;
  readonly #permit: StartPermit;
  readonly #systemctl: Systemctl;
  readonly #turns = new OneAtATime();

  constructor(
    options: SystemdOptions,
    context: SupervisorContext,
    { hold, permit }: { readonly hold: HoldFile; readonly permit: StartPermit },
  ) {
    this.#options = options;
    this.#context = context;
    this.#hold = hold;
    this.#permit = permit;
    const { unit, systemctl = 'systemctl', journalctl = 'journalctl' } = options;
    this.#systemctl = new Systemctl({ unit, systemctl, journalctl });
  }

  async state(signal: AbortSignal): Promise<EtcdState> {
    return etcdStateOf(await this.#loadedFacts(signal));
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      await this.#systemctl.queueStop(signal);
      if (!(await this.#isDownWithin(this.#options.stopTimeoutMs, signal))) {
        await this.#systemctl.kill(signal);
        await this.#isDownWithin(KILLED_WITHIN_MS, signal);
      }
      await untilNobodyUses(directoriesOf(this.#options), this.#context.clock, signal);
      // Without an open file it may still be on its way up, for example in its ExecStartPre.
      const facts = await this.#systemctl.facts(signal);
      if (isDown(facts)) return;
      throw new AgentError(
        'SUPERVISOR_FAILED',
        `${this.#options.unit} does not stop: it is ${phrase(facts)}`,
      );
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      if (isUp(await this.#loadedFacts(signal))) return;
      await this.#systemctl.resetFailed(signal);
      const pid = await this.#permit.during(async () => {
        await this.#systemctl.queueStart(signal);
        return await this.#untilProcess(signal);
      });
      await this.#settle(pid, signal);
    });
  }

  async hold(operation: string, signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      await this.#requireHoldRespected(signal);
      if ((await this.#hold.heldBy()) === operation) return;
      await this.#hold.place(operation, new Date(this.#context.clock.now()).toISOString());
    });
  }

  async release(): Promise<void> {
    await this.#turns.run(() => this.#hold.remove());
  }

  async heldBy(): Promise<string | undefined> {
    return await this.#hold.heldBy();
  }

  async fence(fence: Fence, signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      await this.#requireHoldRespected(signal);
      await this.#hold.fence(fence);
    });
  }

  async liftFence(): Promise<void> {
    await this.#turns.run(() => this.#hold.liftFence());
  }

  async fencedBy(): Promise<Fence | undefined> {
    return await this.#hold.fencedBy();
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      await requireVisibleProcesses();
      await this.#requireHoldRespected(signal);
      // Root may do everything, and is spared the question.
      if (process.getuid?.() !== 0) await this.#requireRights(signal);
    });
  }

  async close(): Promise<void> {
    await this.#turns.run(() => Promise.resolve());
  }

  async #loadedFacts(signal: AbortSignal): Promise<UnitFacts> {
    const facts = await this.#systemctl.facts(signal);
    if (facts.loadState === 'loaded') return facts;
    throw new AgentError(
      'SUPERVISOR_FAILED',
      `systemd says that ${this.#options.unit} is ${facts.loadState}`,
    );
  }

  async #requireHoldRespected(signal: AbortSignal): Promise<void> {
    const { unit, holdFile } = this.#options;
    const { files, needsReload } = await this.#loadedFacts(signal);
    if (needsReload) {
      throw new AgentError('HOLD_UNSUPPORTED', `the files of ${unit} changed since systemd read them`);
    }
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    await this.#permit.requireShortLived();
    const reason = whyHoldIsIgnored(texts, { unit, holdFile, permitFile: this.#permit.path });
    if (reason !== undefined) throw new AgentError('HOLD_UNSUPPORTED', `${reason}: ${files.join(', ')}`);
  }

  async #requireRights(signal: AbortSignal): Promise<void> {
    const facts = await this.#systemctl.facts(signal);
    await this.#systemctl.requireRights(isDown(facts), signal);
  }

  /** Resolves with the process id of etcd. `systemctl start` exits 0 also when a condition kept the unit down. */
  async #untilProcess(signal: AbortSignal): Promise<number> {
    const { clock } = this.#context;
    const deadline = clock.now() + this.#options.startTimeoutMs;
    for (;;) {
      const facts = await this.#systemctl.facts(signal);
      if (isUp(facts)) return facts.mainPid;
      const waiting = facts.jobPending || (facts.activeState === 'activating' && !isBetweenRestarts(facts));
      if (!waiting || clock.now() >= deadline) throw await this.#startFailed(facts, signal);
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }

  async #settle(pid: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const deadline = clock.now() + (this.#options.settleMs ?? DEFAULT_SETTLE_MS);
    for (;;) {
      const facts = await this.#systemctl.facts(signal);
      if (!isUp(facts) || facts.mainPid !== pid) throw await this.#startFailed(facts, signal);
      if (clock.now() >= deadline) return;
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }

  async #startFailed(facts: UnitFacts, signal: AbortSignal): Promise<AgentError> {
    const unmet = 'a condition or an assertion of the unit is not met';
    const reason = facts.conditionsMet ? `it is ${phrase(facts)}` : unmet;
    const words = await this.#systemctl.lastLines(signal);
    return new AgentError('ETCD_START_FAILED', `${this.#options.unit} did not start: ${reason}\n${words}`);
  }

  async #isDownWithin(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#context;
    const deadline = clock.now() + timeoutMs;
    for (;;) {
      if (isDown(await this.#systemctl.facts(signal))) return true;
      if (clock.now() >= deadline) return false;
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }
}

function isUp({ activeState, mainPid }: UnitFacts): boolean {
  return (
    mainPid > 0 && (activeState === 'active' || activeState === 'activating' || activeState === 'reloading')
  );
}

function isDown({ activeState, jobPending }: UnitFacts): boolean {
  return !jobPending && (activeState === 'inactive' || activeState === 'failed');
}

function isBetweenRestarts({ subState }: UnitFacts): boolean {
  return subState.startsWith('auto-restart');
}

function phrase(facts: UnitFacts): string {
  return etcdStateOf(facts).detail ?? facts.activeState;
}
