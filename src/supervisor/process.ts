import { AgentError, asAgentError, messageOf } from '../base/agent-error.ts';
import { backoffMs } from '../base/backoff.ts';
import { spawnDetached } from '../base/spawn-detached.ts';
import {
  endedUnless,
  endsWithin,
  identifyOrGone,
  signalEtcd,
  untilGone,
  type DetachedEtcd,
} from './detached-etcd.ts';
import { findOwnEtcd } from './find-etcd.ts';
import { HoldFile, type Fence } from './hold-file.ts';
import { lastLogLines, logSizeBytes, rotateLog } from './log-file.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import { isAlive, startTimeOf, type ProcessIdentity } from './process-identity.ts';
import { ProcessRecord } from './process-record.ts';
import { requireProgram } from './require-program.ts';
import { requireNobodyWrites, untilNobodyUses } from './seen-stopped.ts';
import {
  DEFAULT_SETTLE_MS,
  directoriesOf,
  type CommonSupervisorOptions,
  type EtcdState,
  type Supervisor,
  type SupervisorContext,
} from './supervisor.ts';

export interface ProcessOptions extends CommonSupervisorOptions {
  readonly kind: 'process';
  /** etcd and its flags. */
  readonly command: readonly string[];
  /** Added to the agent's environment for etcd. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exists; etcd's working directory, and where the agent remembers what it started. */
  readonly stateDir: string;
  readonly logFile: string;
  /** After this time without an end, etcd is killed. */
  readonly stopTimeoutMs: number;
  readonly restartBackoff: { readonly firstMs: number; readonly longestMs: number };
  /** What becomes of etcd when the agent is stopped in order. A crash of the agent always leaves it. */
  readonly onAgentStop: 'stop' | 'leave';
  /** Whether opening starts etcd, unless it is held or was stopped on purpose. */
  readonly autostart?: boolean;
  /**
   * Why etcd must not be started on what the data dir holds now, if so. An etcd that lost its data dir would found
   * a cluster anew, under the old ID where the flags are the old ones.
   */
  readonly refuseStart?: () => Promise<string | undefined>;
}

const KILLED_WITHIN_MS = 10_000;

/** What a service manager says to the agent is not meant for etcd, which would answer in the agent's name. */
const NOT_FOR_ETCD = {
  NOTIFY_SOCKET: undefined,
  WATCHDOG_PID: undefined,
  WATCHDOG_USEC: undefined,
  LISTEN_FDS: undefined,
  LISTEN_PID: undefined,
  LISTEN_FDNAMES: undefined,
  INVOCATION_ID: undefined,
  JOURNAL_STREAM: undefined,
};

/**
 * etcd as a process that the agent starts, follows and starts again with a growing wait. It runs in a session of its
 * own and outlives a crash of the agent; the next agent adopts it here.
 *
 * @throws {AgentError} `ETCD_STILL_RUNNING` when somebody else's process writes to the data directory. A start that
 *   fails is not thrown: it is logged, seen by `state`, and tried again.
 */
export async function openProcessSupervisor(
  options: ProcessOptions,
  context: SupervisorContext,
): Promise<Supervisor> {
  const supervisor = new ProcessSupervisor(options, context);
  await supervisor.open();
  return supervisor;
}

class ProcessSupervisor implements Supervisor {
  readonly kind = 'process';
  readonly #options: ProcessOptions;
  readonly #context: SupervisorContext;
  readonly #hold: HoldFile;
  readonly #record: ProcessRecord;
  readonly #turns = new OneAtATime();
  /** First nothing is started any more; then, when etcd was stopped or left, nothing is followed any more. */
  readonly #closing = new AbortController();
  readonly #closed = new AbortController();
  #current: DetachedEtcd | undefined;
  #lastEnd: string | undefined;
  /** Who waits to start etcd again, if anybody does: the newest end of an etcd, and nobody else beside it. */
  #restarting: symbol | undefined;
  #quickEnds = 0;
  #following: Promise<void> = Promise.resolve();

  constructor(options: ProcessOptions, context: SupervisorContext) {
    this.#options = options;
    this.#context = context;
    this.#hold = new HoldFile(options.holdFile);
    this.#record = new ProcessRecord(options.stateDir);
  }

  async open(): Promise<void> {
    await this.#hold.sync();
    const { command, logFile } = this.#options;
    const recorded = await this.#record.process();
    const found = await findOwnEtcd({
      recorded,
      command,
      directories: directoriesOf(this.#options),
      logFile,
    });
    if (found !== undefined) await this.#adopt(found);
    else if (this.#options.autostart !== false) this.#following = this.#restart(0);
  }

  async state(): Promise<EtcdState> {
    const current = this.#current;
    if (current !== undefined && (await isAlive(current.identity))) {
      return {
        state: 'running',
        pid: current.identity.pid,
        startedAt: new Date(current.startedAtMs).toISOString(),
      };
    }
    if (await this.#record.isStoppedOnPurpose()) return { state: 'stopped' };
    // One that ended a moment ago is not given up yet.
    if (this.#restarting !== undefined || current !== undefined)
      return { state: 'starting', detail: await this.#words() };
    if (this.#lastEnd === undefined) return { state: 'stopped' };
    return { state: 'failed', detail: await this.#words() };
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      // First, or an agent that crashes here would start etcd again.
      await this.#record.markStopped(new Date(this.#context.clock.now()).toISOString());
      await this.#end(signal);
      await untilNobodyUses(directoriesOf(this.#options), this.#context.clock, signal);
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#turns.run(async () => {
      await this.#record.unmarkStopped();
      if (await this.#isRunning()) return;
      const etcd = await this.#launch();
      const settleMs = this.#options.settleMs ?? DEFAULT_SETTLE_MS;
      if (!(await endsWithin(etcd, settleMs, this.#context.clock, signal))) return;
      this.#lastEnd = await etcd.ended;
      throw new AgentError('ETCD_START_FAILED', `etcd ended at once: ${await this.#words(etcd.logFromByte)}`);
    });
  }

  async hold(operation: string): Promise<void> {
    await this.#turns.run(async () => {
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

  async fence(fence: Fence): Promise<void> {
    await this.#turns.run(() => this.#hold.fence(fence));
  }

  async liftFence(): Promise<void> {
    await this.#turns.run(() => this.#hold.liftFence());
  }

  async fencedBy(): Promise<Fence | undefined> {
    return await this.#hold.fencedBy();
  }

  async check(signal: AbortSignal): Promise<void> {
    await requireProgram(this.#options.command, signal);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#turns.run(async () => {
      if (this.#options.onAgentStop === 'stop') await this.#end(new AbortController().signal);
    });
    this.#closed.abort();
    await this.#following;
  }

  async #isRunning(): Promise<boolean> {
    return this.#current !== undefined && (await isAlive(this.#current.identity));
  }

  async #adopt(identity: ProcessIdentity): Promise<void> {
    const { clock, log } = this.#context;
    await this.#record.keepProcess(identity);
    this.#follow({
      identity,
      startedAtMs: Date.parse(await startTimeOf(identity)),
      logFromByte: 0,
      ended: untilGone(identity, clock, this.#closed.signal),
    });
    log.info({ pid: identity.pid }, 'etcd of an earlier agent adopted');
  }

  async #launch(): Promise<DetachedEtcd> {
    const { command, env, stateDir, logFile, refuseStart } = this.#options;
    const refusal = await refuseStart?.();
    if (refusal !== undefined) throw new AgentError('DATA_DIR_MISSING', refusal);
    await requireNobodyWrites(directoriesOf(this.#options));
    await rotateLog(logFile);
    const logFromByte = await logSizeBytes(logFile);
    const child = await spawnDetached({ command, cwd: stateDir, logFile, env: { ...NOT_FOR_ETCD, ...env } });
    const etcd: DetachedEtcd = {
      identity: await identifyOrGone(child.pid),
      startedAtMs: this.#context.clock.now(),
      logFromByte,
      ended: child.ended,
    };
    // Before the record: where that cannot be written, this agent still knows what it started.
    this.#follow(etcd);
    await this.#record.keepProcess(etcd.identity);
    this.#context.log.info({ pid: child.pid }, 'etcd started');
    return etcd;
  }

  #follow(etcd: DetachedEtcd): void {
    this.#current = etcd;
    this.#following = this.#untilEnded(etcd);
  }

  async #untilEnded(etcd: DetachedEtcd): Promise<void> {
    const how = await endedUnless(etcd, this.#closed.signal);
    if (how === undefined) return;
    this.#lastEnd = how;
    if (this.#current === etcd) this.#current = undefined;
    const { clock, log } = this.#context;
    const { longestMs } = this.#options.restartBackoff;
    log.warn({ pid: etcd.identity.pid, how }, 'etcd ended');
    if (clock.now() - etcd.startedAtMs > longestMs) this.#quickEnds = 0;
    await this.#restart(this.#nextWaitMs());
  }

  /** Until etcd runs, or must not: it is held, was stopped on purpose, or the agent closes. */
  async #restart(firstWaitMs: number): Promise<void> {
    const { clock, log } = this.#context;
    const mine = Symbol('restart');
    this.#restarting = mine;
    // What it started may have ended before that was written down, and its end has begun another.
    for (let waitMs = firstWaitMs; this.#restarting === mine; waitMs = this.#nextWaitMs()) {
      try {
        if (!(await this.#mayRestart())) break;
        await clock.sleep(waitMs, this.#closing.signal);
        await this.#turns.run(async () => {
          if (!(await this.#isRunning()) && (await this.#mayRestart())) await this.#launch();
        });
        break;
      } catch (error) {
        if (this.#closing.signal.aborted) break;
        log.error({ error: asAgentError(error, 'SUPERVISOR_FAILED') }, 'etcd cannot be started; tried again');
        // It runs and could not be written down: its end begins another.
        if (this.#current !== undefined) break;
        this.#lastEnd = messageOf(error);
      }
    }
    if (this.#restarting === mine) this.#restarting = undefined;
  }

  #nextWaitMs(): number {
    this.#quickEnds += 1;
    return backoffMs(this.#quickEnds - 1, this.#options.restartBackoff);
  }

  async #mayRestart(): Promise<boolean> {
    if (this.#closing.signal.aborted || (await this.#record.isStoppedOnPurpose())) return false;
    if ((await this.#hold.owner()) !== undefined) return false;
    const refusal = await this.#options.refuseStart?.();
    if (refusal === undefined) return true;
    this.#lastEnd = refusal;
    this.#context.log.error({ refusal }, 'etcd is not started');
    return false;
  }

  async #end(signal: AbortSignal): Promise<void> {
    const etcd = this.#current;
    if (etcd === undefined) return;
    const { clock, log } = this.#context;
    const { stopTimeoutMs } = this.#options;
    const { pid } = etcd.identity;
    await signalEtcd(etcd, 'SIGTERM');
    if (!(await endsWithin(etcd, stopTimeoutMs, clock, signal))) {
      log.warn({ pid, stopTimeoutMs }, 'etcd did not end when asked and is killed');
      await signalEtcd(etcd, 'SIGKILL');
      if (!(await endsWithin(etcd, KILLED_WITHIN_MS, clock, signal))) {
        throw new AgentError('ETCD_STILL_RUNNING', `process ${pid} does not end, even when killed`, {
          details: { pids: [String(pid)] },
        });
      }
    }
    await this.#record.forgetProcess();
  }

  /** How etcd ended, and what it said last. */
  async #words(fromByte = 0): Promise<string> {
    return `${this.#lastEnd ?? 'not started yet'}\n${await lastLogLines(this.#options.logFile, fromByte)}`.trim();
  }
}
