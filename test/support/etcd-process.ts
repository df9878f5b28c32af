import { execa } from 'execa';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { etcdBinary } from './etcd-binaries.ts';
import { freePorts } from './free-port.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface EtcdOptions {
  readonly name?: string;
  readonly dataDir?: string;
  /** More flags for etcd. */
  readonly flags?: readonly string[];
  readonly clientUrl?: string;
  readonly peerUrl?: string;
  /** What etcdctl needs to reach it, beside the endpoint. */
  readonly ctlFlags?: readonly string[];
}

/** A real one-member etcd on loopback, stopped and deleted with its scope. */
export interface RunningEtcd extends AsyncDisposable {
  readonly endpoint: string;
  readonly peerUrl: string;
  readonly name: string;
  readonly dataDir: string;
  readonly pid: number;
  /** Runs etcdctl against it and gives its stdout. */
  ctl(...args: string[]): Promise<string>;
  /** Resolves when the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function startEtcd(options: EtcdOptions = {}): Promise<RunningEtcd> {
  const directory = await temporaryDirectory();
  const [clientPort, peerPort] = await freePorts(2);
  const endpoint = options.clientUrl ?? `http://127.0.0.1:${clientPort ?? 0}`;
  const peerUrl = options.peerUrl ?? `http://127.0.0.1:${peerPort ?? 0}`;
  const name = options.name ?? 'm1';
  const dataDir = options.dataDir ?? join(directory.path, 'etcd');
  const child = execa(
    etcdBinary('etcd'),
    etcdFlags({ name, dataDir, endpoint, peerUrl }).concat(options.flags ?? []),
    {
      all: true,
      reject: false,
      buffer: true,
    },
  );
  const ctl = async (...args: string[]): Promise<string> =>
    await etcdctl(endpoint, [...(options.ctlFlags ?? []), ...args]);
  const etcd: RunningEtcd = {
    endpoint,
    peerUrl,
    name,
    dataDir,
    pid: child.pid ?? 0,
    ctl,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await child;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await child;
      await directory[Symbol.asyncDispose]();
    },
  };
  await untilHealthy(etcd, child);
  return etcd;
}

/** etcdctl of the etcd under test, any version, against one endpoint. */
export async function etcdctl(endpoint: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execa(etcdBinary('etcdctl'), ['--endpoints', endpoint, ...args], {
    env: { ETCDCTL_API: '3' },
  });
  return stdout;
}

function etcdFlags(member: { name: string; dataDir: string; endpoint: string; peerUrl: string }): string[] {
  return [
    ...['--name', member.name, '--data-dir', member.dataDir],
    ...['--listen-client-urls', member.endpoint, '--advertise-client-urls', member.endpoint],
    ...['--listen-peer-urls', member.peerUrl, '--initial-advertise-peer-urls', member.peerUrl],
    ...['--initial-cluster', `${member.name}=${member.peerUrl}`],
    ...['--heartbeat-interval', '20', '--election-timeout', '200', '--unsafe-no-fsync'],
  ];
}

async function untilHealthy(etcd: RunningEtcd, child: { readonly exitCode: number | null }): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      await etcd.ctl('endpoint', 'health');
      return;
    } catch (error) {
      if (child.exitCode !== null)
        throw new Error(`etcd ended with exit status ${child.exitCode}`, { cause: error });
      await sleep(50);
    }
  }
  await etcd[Symbol.asyncDispose]();
  throw new Error('etcd did not become healthy');
}
