import { readFile } from 'node:fs/promises';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { writeTextDurably } from '../base/durable-file.ts';
import { spawnDetached } from '../base/spawn-detached.ts';
import type { EtcdLaunch } from '../discovery/launch.ts';
import { endsWithin, identifyOrGone, signalEtcd, type DetachedEtcd } from '../supervisor/detached-etcd.ts';
import { lastLogLines, logSizeBytes, rotateLog } from '../supervisor/log-file.ts';
import { processesUsing } from '../supervisor/open-files.ts';
import { sendSignal } from '../supervisor/send-signal.ts';
import { joinLaunch } from './join-launch.ts';

/** How etcd is run once by the agent itself, to join: its supervisor's own launch, and where its words go. */
export interface JoinEtcdOptions {
  readonly launch: EtcdLaunch;
  /** Put before the program where the agent is root and etcd is not. */
  readonly asUser: readonly string[];
  /** Exists; etcd's configuration for the join and its log are kept there. */
  readonly stateDir: string;
  readonly clock: Clock;
}

interface Joining {
  /** Of the join: marks the process, for whoever must end what a crash left. */
  readonly id: string;
  /** As `initialClusterOf` makes it. */
  readonly initialCluster: string;
}

const MARK = 'LIFEBOAT_JOIN';
const STOP_MS = 30_000;
const KILLED_MS = 10_000;
const LOOK_AGAIN_MS = 100;

/** What a service manager says to the agent is not meant for etcd. */
const NOT_FOR_ETCD = { NOTIFY_SOCKET: undefined, WATCHDOG_PID: undefined, WATCHDOG_USEC: undefined };

/**
 * Runs etcd in the join configuration until `joined` resolves, and ends it again. What it has by then in its log makes it ignore
 * `--initial-cluster*` at every later start, so that its unit needs no change.
 *
 * @throws {AgentError} `JOIN_FAILED` with etcd's last words when it ends by itself; what `joined` throws. etcd has ended in any case.
 */
export async function runJoining(
  join: Joining,
  options: JoinEtcdOptions,
  joined: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { stateDir, clock } = options;
  const logFile = `${stateDir}/join-etcd.log`;
  const etcd = await spawn(join, options, logFile);
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  try {
    const ended = etcd.ended.then((how) => {
      over.abort();
      return how;
    });
    const how = await Promise.race([ended, joined(both).then(() => undefined)]).catch(
      async (error: unknown) => {
        if (over.signal.aborted && !signal.aborted) return await ended;
        throw error;
      },
    );
    if (how === undefined) return;
    const words = await lastLogLines(logFile, etcd.logFromByte);
    throw new AgentError('JOIN_FAILED', `etcd ended while it joined: ${how}\n${words}`);
  } finally {
    over.abort();
    await end(etcd, clock);
  }
}

/** Ends what an agent that crashed inside `runJoining` left running. @returns Whether there was any. */
export async function endLeftover(
  id: string,
  directories: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  let found = false;
  for (let attempt = 0; ; attempt += 1) {
    const left: number[] = [];
    for (const { pid } of await processesUsing(directories)) {
      if (await isMarked(pid, id)) left.push(pid);
    }
    if (left.length === 0) return found;
    found = true;
    for (const pid of left) sendSignal(pid, attempt * LOOK_AGAIN_MS < STOP_MS ? 'SIGTERM' : 'SIGKILL');
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

async function spawn(
  { id, initialCluster }: Joining,
  { launch, asUser, stateDir, clock }: JoinEtcdOptions,
  logFile: string,
): Promise<DetachedEtcd> {
  const configPath = `${stateDir}/join-etcd.json`;
  const { argv, environment, configFile } = joinLaunch(launch, initialCluster, configPath);
  if (configFile !== undefined) await writeTextDurably(configPath, configFile);
  await rotateLog(logFile);
  const logFromByte = await logSizeBytes(logFile);
  const child = await spawnDetached({
    command: [...asUser, ...argv],
    cwd: launch.workingDirectory ?? stateDir,
    logFile,
    env: { ...NOT_FOR_ETCD, ...environment, [MARK]: id },
  });
  return {
    identity: await identifyOrGone(child.pid),
    startedAtMs: clock.now(),
    logFromByte,
    ended: child.ended,
  };
}

async function end(etcd: DetachedEtcd, clock: Clock): Promise<void> {
  // Also when the caller has given up: nothing may be left that uses the data.
  const never = new AbortController().signal;
  await signalEtcd(etcd, 'SIGTERM');
  if (await endsWithin(etcd, STOP_MS, clock, never)) return;
  await signalEtcd(etcd, 'SIGKILL');
  if (await endsWithin(etcd, KILLED_MS, clock, never)) return;
  throw new AgentError('ETCD_STILL_RUNNING', `process ${etcd.identity.pid} does not end, even when killed`);
}

async function isMarked(pid: number, id: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').includes(`${MARK}=${id}`);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(systemCodeOf(error) ?? '')) return false;
    throw error;
  }
}
