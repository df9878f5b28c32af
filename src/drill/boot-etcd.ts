import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { spawnDetached } from '../base/spawn-detached.ts';
import { endsWithin, identifyOrGone, signalEtcd, type DetachedEtcd } from '../supervisor/detached-etcd.ts';
import { lastLogLines } from '../supervisor/log-file.ts';
import { CLIENT_SOCKET, etcdFlags } from './etcd-flags.ts';
import { lastWords } from './last-words.ts';

interface BootOptions {
  readonly program: string;
  readonly launcher: readonly string[];
  /** Its working directory, made here: sockets and log. */
  readonly directory: string;
  /** May be absent: a new cluster then begins. */
  readonly dataDir: string;
  readonly clock: Clock;
}

/** An etcd that serves nobody but this drill. */
export interface ThrowAwayEtcd extends AsyncDisposable {
  readonly pid: number;
  readonly endpoint: string;
  /** Resolves when it ended, with how. */
  readonly ended: Promise<string>;
  /** Why it ended, or what it said last. */
  words(): Promise<string>;
  /** Asks it to end, so that all it has is in its files. False when it still runs after half a minute. */
  stop(signal: AbortSignal): Promise<boolean>;
}

const STOPS_WITHIN_MS = 30_000;
const KILLED_WITHIN_MS = 10_000;

/**
 * Starts it; it is killed with its scope, however that ends. It is reached by its process's own working directory, as a
 * socket's address holds no more than 108 bytes.
 *
 * @throws {AgentError} `DRILL_UNAVAILABLE` when the program cannot be run.
 */
export async function bootEtcd(options: BootOptions): Promise<ThrowAwayEtcd> {
  const { program, launcher, directory, dataDir, clock } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const logFile = join(directory, 'etcd.log');
  const startedAtMs = clock.now();
  const child = await spawnDetached({
    command: [...launcher, program, ...etcdFlags(dataDir)],
    cwd: directory,
    logFile,
  });
  const { pid, ended } = child;
  const etcd: DetachedEtcd = { identity: await identifyOrGone(pid), startedAtMs, logFromByte: 0, ended };
  return {
    pid,
    endpoint: `unix:///proc/${pid}/cwd/${CLIENT_SOCKET}`,
    ended,
    words: async () => lastWords(await lastLogLines(logFile)),
    stop: async (signal) => {
      await signalEtcd(etcd, 'SIGTERM');
      return await endsWithin(etcd, STOPS_WITHIN_MS, clock, signal);
    },
    [Symbol.asyncDispose]: () => kill(etcd, clock),
  };
}

async function kill(etcd: DetachedEtcd, clock: Clock): Promise<void> {
  await signalEtcd(etcd, 'SIGKILL');
  if (await endsWithin(etcd, KILLED_WITHIN_MS, clock, new AbortController().signal)) return;
  const { pid } = etcd.identity;
  throw new AgentError('ETCD_STILL_RUNNING', `process ${pid} of a drill does not end, even when killed`, {
    details: { pids: [String(pid)] },
  });
}
