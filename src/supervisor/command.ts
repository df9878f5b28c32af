import { join } from 'node:path';
import { AgentError, asAgentError } from '../base/agent-error.ts';
import { lastLines, runCheckedCommand, runCommand, type CommandOptions } from '../base/run-command.ts';
import { HoldFile, type Fence } from './hold-file.ts';
import { lastLogLines, logSizeBytes, rotateLog } from './log-file.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import { requireProgram } from './require-program.ts';
import { untilNobodyUses } from './seen-stopped.ts';
import {
  DEFAULT_SETTLE_MS,
  directoriesOf,
  type CommonSupervisorOptions,
  type EtcdState,
  type Supervisor,
  type SupervisorContext,
} from './supervisor.ts';

export interface CommandSupervisorOptions extends CommonSupervisorOptions {
  readonly kind: 'command';
  /**
   * Programs with their arguments, no shell. Each gets LIFEBOAT_HOLD_FILE and, under a hold, LIFEBOAT_OPERATION; `start` also gets
   * LIFEBOAT_MAY_START, which no boot and nobody else gives it.
   */
  readonly start: readonly string[];
  readonly stop: readonly string[];
  /** Exit status 0: runs; 3: is stopped, as in the LSB; any other: failed. */
  readonly status: readonly string[];
  /** Run when the hold file is there; asked again after a crash, so it must not mind being asked twice. */
  readonly hold?: readonly string[];
  /** Run before the hold file is removed, and before a start of our own under it. */
  readonly release?: readonly string[];
  /** For each command, and for its effect to be seen. */
  readonly timeoutMs: number;
  /** Exists; what the start command prints is kept there in `start-command.log`. */
  readonly stateDir: string;
}

const STATUS_STOPPED = 3;
const LOOK_AGAIN_MS = 100;

/**
 * etcd behind the operator's own commands. That nobody else starts it under a hold is up to them: their start command
 * looks for the hold file, or `hold` and `release` tell their service manager.
 *
 * @throws {AgentError} `HOLD_UNSUPPORTED` when the hold command fails for a hold that is in place.
 */
export async function openCommandSupervisor(
  options: CommandSupervisorOptions,
  context: SupervisorContext,
  signal: AbortSignal,
): Promise<Supervisor> {
  const supervisor = new CommandSupervisor(options, context);
  await supervisor.open(signal);
  return supervisor;
}

class CommandSupervisor implements Supervisor {
  readonly kind = 'command';
  readonly #options: CommandSupervisorOptions;
  readonly #context: SupervisorContext;
  readonly #hold: HoldFile;
  readonly #turns = new OneAtATime();

  constructor(options: CommandSupervisorOptions, context: SupervisorContext) {
    this.#options = options;
    this.#context = context;
    this.#hold = new HoldFile(options.holdFile);
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#hold.sync();
    const owner = await this.#hold.owner();
    if (owner !== undefined) await this.#enforce(owner, signal);
  }

  async state(signal: AbortSignal): Promise<EtcdState> {
    const result = await this.#call(this.#options.status, await this.#commandOptions(signal));
    if (result.exitStatus === 0) return { state: 'running', detail: lastLines(result) };
    const detail = `status ended with exit status ${result.exitStatus}: ${lastLines(result)}`;
    return { state: result.exitStatus === STATUS_STOPPED ? 'stopped' : 'failed', detail };
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      const result = await this.#call(this.#options.stop, await this.#commandOptions(signal));
      // Many stop commands fail when there is nothing to stop.
      if (result.exitStatus !== 0 && (await this.state(signal)).state !== 'stopped') {
        const words = `the stop command ended with exit status ${result.exitStatus}: ${lastLines(result)}`;
        throw new AgentError('SUPERVISOR_FAILED', words);
      }
      const { clock } = this.#context;
      // Some stop commands only ask; the files tell when etcd has gone.
      await untilNobodyUses(directoriesOf(this.#options), clock, signal, this.#options.timeoutMs);
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      if ((await this.state(signal)).state === 'running') return;
      await this.#withoutHold(signal, () => this.#launch(signal));
      await this.#settle(signal);
    });
  }

  async hold(operation: string, signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      const [older, owner] = [await this.#hold.heldBy(), await this.#hold.owner()];
      if (older === operation) return;
      await this.#hold.place(operation, new Date(this.#context.clock.now()).toISOString());
      try {
        await this.#enforce(operation, signal);
      } catch (error) {
        if (owner === undefined) await this.#hold.remove();
        throw error;
      }
    });
  }

  async release(signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      if ((await this.#hold.heldBy()) === undefined) return;
      if ((await this.#hold.fencedBy()) === undefined) await this.#letGo(signal);
      await this.#hold.remove();
    });
  }

  async fence(fence: Fence, signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      const older = await this.#hold.owner();
      await this.#hold.fence(fence);
      if (older !== undefined) return;
      try {
        await this.#enforce(fence.by, signal);
      } catch (error) {
        await this.#hold.liftFence();
        throw error;
      }
    });
  }

  async liftFence(signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      if ((await this.#hold.fencedBy()) === undefined) return;
      if ((await this.#hold.heldBy()) === undefined) await this.#letGo(signal);
      await this.#hold.liftFence();
    });
  }

  async fencedBy(): Promise<Fence | undefined> {
    return await this.#hold.fencedBy();
  }

  async heldBy(): Promise<string | undefined> {
    return await this.#hold.heldBy();
  }

  async check(signal: AbortSignal): Promise<void> {
    const { start, stop, status, hold, release } = this.#options;
    for (const command of [start, stop, status, hold, release]) {
      if (command !== undefined) await requireProgram(command, signal);
    }
    await this.state(signal);
  }

  async close(): Promise<void> {
    await this.#turns.run(() => Promise.resolve());
  }

  async #withoutHold(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const owner = await this.#hold.owner();
    if (owner === undefined) {
      await work();
      return;
    }
    try {
      await this.#letGo(signal);
      await work();
    } finally {
      // Also when the caller has given up: the hold outlives the call.
      await this.#enforce(owner, new AbortController().signal);
    }
  }

  async #letGo(signal: AbortSignal): Promise<void> {
    const { release } = this.#options;
    if (release !== undefined) await this.#callChecked(release, await this.#commandOptions(signal));
  }

  async #enforce(operation: string, signal: AbortSignal): Promise<void> {
    const { hold } = this.#options;
    if (hold === undefined) return;
    try {
      await this.#callChecked(hold, await this.#commandOptions(signal));
    } catch (cause) {
      const { message } = asAgentError(cause);
      throw new AgentError('HOLD_UNSUPPORTED', `the hold command for ${operation}: ${message}`, { cause });
    }
  }

  /** Resolves when the status command says that etcd runs. */
  async #launch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const { start, stateDir, timeoutMs } = this.#options;
    const log = join(stateDir, 'start-command.log');
    await rotateLog(log);
    const fromByte = await logSizeBytes(log);
    // Into a file: a daemon that keeps the command's output open would keep us waiting for the end of a pipe.
    const toLog = ['sh', '-c', 'log=$1; shift; exec "$@" >>"$log" 2>&1', 'sh', log, ...start];
    const { env, ...options } = await this.#commandOptions(signal);
    const result = await this.#call(toLog, { ...options, env: { ...env, LIFEBOAT_MAY_START: 'yes' } });
    if (result.exitStatus !== 0) {
      const words = await lastLogLines(log, fromByte);
      throw startFailed(`the start command ended with exit status ${result.exitStatus}\n${words}`);
    }
    const deadline = clock.now() + timeoutMs;
    for (;;) {
      const { state, detail = '' } = await this.state(signal);
      if (state === 'running') return;
      if (state === 'failed' || clock.now() >= deadline) {
        throw startFailed(`it is ${state}; ${detail}\n${await lastLogLines(log, fromByte)}`);
      }
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }

  async #settle(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const { settleMs = DEFAULT_SETTLE_MS, stateDir } = this.#options;
    const deadline = clock.now() + settleMs;
    for (;;) {
      const { state, detail = '' } = await this.state(signal);
      if (state !== 'running') {
        const words = await lastLogLines(join(stateDir, 'start-command.log'));
        throw startFailed(`it ended at once and is ${state}; ${detail}\n${words}`);
      }
      if (clock.now() >= deadline) return;
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }

  async #commandOptions(signal: AbortSignal): Promise<CommandOptions> {
    const { holdFile, timeoutMs } = this.#options;
    const env = { LIFEBOAT_HOLD_FILE: holdFile, LIFEBOAT_OPERATION: await this.#hold.owner() };
    return { signal, timeoutMs, env };
  }

  async #call([file = '', ...args]: readonly string[], options: CommandOptions) {
    return await asSupervisorFailure(() => runCommand(file, args, options));
  }

  async #callChecked([file = '', ...args]: readonly string[], options: CommandOptions): Promise<void> {
    await asSupervisorFailure(() => runCheckedCommand(file, args, options));
  }
}

async function asSupervisorFailure<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const error = asAgentError(cause);
    if (error.code === 'CANCELLED') throw error;
    throw new AgentError('SUPERVISOR_FAILED', error.message, { cause });
  }
}

function startFailed(message: string): AgentError {
  return new AgentError('ETCD_START_FAILED', message);
}
