import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { callAgent } from '../../src/cli/control-client.ts';
import type { ControlMethod, ControlParams, ControlResult } from '../../src/formats/control.ts';
import { commandLineOf } from '../../src/supervisor/open-files.ts';
import type { CertificateFiles } from './certificates.ts';
import { etcdBinary, findEtcdBinary } from './etcd-binaries.ts';
import { etcdctl } from './etcd-process.ts';
import { freePorts } from './free-port.ts';

/** The program under test, as a user runs it: built by test/support/prepare.mjs. */
export const LIFEBOAT = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const ASK_TIMEOUT_MS = 60_000;

type LabConfig = Record<string, Record<string, unknown>>;

export interface LabOptions {
  readonly hosts: number;
  /** Everything is below it. Removed by nobody but its owner. */
  readonly directory: string;
  /** Sections merged into each host's configuration. */
  readonly overrides?: (host: { name: string; directory: string }) => Record<string, Record<string, unknown>>;
  readonly separateWalDir?: boolean;
  /** More flags for every etcd. */
  readonly etcdFlags?: readonly string[];
  /** Added to the environment of the agents, and so of all that they start. */
  readonly env?: Readonly<Record<string, string>>;
  /** Agents get sessions of their own and outlive this process: whoever says so ends them. */
  readonly agentsOutlive?: boolean;
  /** The program that the agents start as etcd, instead of etcd itself. */
  readonly etcdProgram?: (host: { name: string; directory: string; dataDir: string }) => string;
  /** The last word on each host's configuration. */
  readonly configure?: (config: LabConfig, host: LabHost) => LabConfig;
  /** etcd serves clients with this certificate, and wants one from them; agents and `ctl` show the same one. */
  readonly clientTls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  /** What etcd shows its clients instead, where that is not what they show. */
  readonly serverTls?: CertificateFiles;
  /** etcd members speak TLS with one another, and want this CA's certificates. */
  readonly peerTls?: CertificateFiles & { readonly caFile: string };
  /** Where all of it listens: `[::1]`, say. */
  readonly loopback?: string;
  /** Words before each agent's command line: what prepares the world that it runs in, and executes the rest. */
  readonly launcher?: (host: LabHost) => readonly string[];
  /** More flags for every etcdctl. */
  readonly ctlFlags?: readonly string[];
  /** Fewer agents than `hosts` start; the others are only configured. */
  readonly started?: number;
}

/** One host of the lab: an agent that runs an etcd, both on loopback. */
export interface LabHost {
  readonly name: string;
  readonly directory: string;
  readonly configFile: string;
  readonly socket: string;
  readonly dataDir: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  /** Where its agent serves /metrics, /healthz and /readyz. */
  readonly monitoringUrl: string;
}

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Agents and members of one cluster, as processes of this machine. Disposing kills them all. */
export class LabCluster implements AsyncDisposable {
  readonly hosts: readonly LabHost[];
  readonly #agents = new Map<string, ReturnType<typeof spawnAgent>>();
  readonly #launch: AgentLaunch;

  constructor(hosts: readonly LabHost[], launch: AgentLaunch = {}) {
    this.hosts = hosts;
    this.#launch = launch;
  }

  host(index: number): LabHost {
    const host = this.hosts[index];
    if (host === undefined) throw new Error(`the lab has ${this.hosts.length} hosts`);
    return host;
  }

  /** Starts a host's agent and waits until it serves. */
  async startAgent(host: LabHost): Promise<void> {
    const agent = spawnAgent(host, this.#launch);
    this.#agents.set(host.name, agent);
    for (let attempt = 0; attempt < 200; attempt += 1) {
      try {
        await this.ask(host, 'status', {});
        return;
      } catch {
        if (agent.exitCode !== null) break;
        await sleep(50);
      }
    }
    throw new Error(`the agent of ${host.name} does not serve:\n${await this.agentLog(host)}`);
  }

  agentPid(host: LabHost): number {
    return this.#agents.get(host.name)?.pid ?? 0;
  }

  /** Ends an agent, and leaves its etcd to what the agent does about it. */
  async stopAgent(host: LabHost, signal: NodeJS.Signals): Promise<void> {
    const agent = this.#agents.get(host.name);
    if (agent === undefined) return;
    agent.kill(signal);
    await agent;
    this.#agents.delete(host.name);
  }

  /** Runs `lifeboat ARGS` against a host's agent, as an operator on that host would. */
  async cli(host: LabHost, ...args: string[]): Promise<CliResult> {
    const result = await execa(process.execPath, [LIFEBOAT, '--socket', host.socket, ...args], {
      reject: false,
    });
    return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
  }

  /** Asks a host's agent on its socket without a process in between: for looks that are repeated. */
  async ask<M extends ControlMethod>(
    host: LabHost,
    method: M,
    params: ControlParams<M>,
  ): Promise<ControlResult<M>> {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
    return await callAgent({ socketPath: host.socket, method, params, signal });
  }

  /** `cli` with `-o json`, which must succeed. */
  async json<T>(host: LabHost, ...args: string[]): Promise<T> {
    const { exitCode, stdout, stderr } = await this.cli(host, '-o', 'json', ...args);
    if (exitCode !== 0)
      throw new Error(`lifeboat ${args.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
  }

  async ctl(host: LabHost, ...args: string[]): Promise<string> {
    return await etcdctl(host.clientUrl, [...ctlFlagsOf(this.#launch), ...args]);
  }

  async agentLog(host: LabHost): Promise<string> {
    return await readFile(join(host.directory, 'agent.log'), 'utf8').catch(() => '');
  }

  /** The process id of a host's etcd, as its agent says; 0 when there is none. */
  async etcdPid(host: LabHost): Promise<number> {
    const { etcd } = await this.ask(host, 'status', {});
    return etcd.pid ?? 0;
  }

  async untilHealthy(): Promise<void> {
    for (const host of this.hosts) {
      if (!this.#agents.has(host.name)) continue;
      for (let attempt = 0; ; attempt += 1) {
        try {
          await this.ctl(host, 'endpoint', 'health');
          break;
        } catch (error) {
          if (attempt === 100) throw new Error(`${host.name} is not healthy`, { cause: error });
          await sleep(50);
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.hosts.map(async (host) => {
        await this.stopAgent(host, 'SIGKILL');
        await killLeftoversOf(host);
      }),
    );
  }
}

/** Writes every host's configuration and starts the agents, which start their etcds. */
export async function startLab(options: LabOptions): Promise<LabCluster> {
  const ports = await freePorts(options.hosts * 4);
  const secretFile = join(options.directory, 'mesh-secret');
  await mkdir(options.directory, { recursive: true });
  await writeFile(secretFile, randomBytes(32).toString('hex'), { mode: 0o600 });
  const places = Array.from({ length: options.hosts }, (_, index) => placeOf(options, index, ports));
  for (const place of places) await writeConfig(place, places, secretFile, options);
  const lab = new LabCluster(places, options);
  try {
    await Promise.all(places.slice(0, options.started).map((host) => lab.startAgent(host)));
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
  return lab;
}

interface Place extends LabHost {
  readonly meshPort: number;
}

function placeOf(options: LabOptions, index: number, ports: readonly number[]): Place {
  const name = `h${index + 1}`;
  const directory = join(options.directory, name);
  const scheme = options.clientTls === undefined ? 'http' : 'https';
  const peerScheme = options.peerTls === undefined ? 'http' : 'https';
  const loopback = options.loopback ?? '127.0.0.1';
  const [clientPort = 0, peerPort = 0, meshPort = 0, monitoringPort = 0] = ports.slice(index * 4);
  return {
    name,
    directory,
    configFile: join(directory, 'lifeboat.yaml'),
    socket: join(directory, 'control.sock'),
    dataDir: join(directory, 'etcd'),
    clientUrl: `${scheme}://${loopback}:${clientPort}`,
    peerUrl: `${peerScheme}://${loopback}:${peerPort}`,
    monitoringUrl: `http://127.0.0.1:${monitoringPort}`,
    meshPort,
  };
}

async function writeConfig(
  place: Place,
  places: readonly Place[],
  secretFile: string,
  options: LabOptions,
): Promise<void> {
  await mkdir(place.directory, { recursive: true });
  const overrides = options.overrides?.(place) ?? {};
  const config = baseConfig(place, places, secretFile, options);
  for (const [section, keys] of Object.entries(overrides)) config[section] = { ...config[section], ...keys };
  await writeFile(place.configFile, stringify(options.configure?.(config, place) ?? config));
}

function baseConfig(
  place: Place,
  places: readonly Place[],
  secretFile: string,
  options: LabOptions,
): Record<string, Record<string, unknown>> {
  const walDir = options.separateWalDir === true ? join(place.directory, 'wal') : undefined;
  const loopback = options.loopback ?? '127.0.0.1';
  const tool = findEtcdBinary('etcdutl') ?? etcdBinary('etcdctl');
  return {
    agent: { name: place.name, stateDir: join(place.directory, 'state'), controlSocket: place.socket },
    etcd: {
      memberName: place.name,
      endpoint: place.clientUrl,
      peerUrls: [place.peerUrl],
      dataDir: place.dataDir,
      binary: etcdBinary('etcd'),
      requestTimeoutSeconds: 3,
      ...(options.clientTls === undefined ? {} : { tls: { ...options.clientTls } }),
      ...(walDir === undefined ? {} : { walDir }),
    },
    supervisor: {
      kind: 'process',
      command: [
        options.etcdProgram?.(place) ?? etcdBinary('etcd'),
        ...['--name', place.name, '--data-dir', place.dataDir],
        ...(walDir === undefined ? [] : ['--wal-dir', walDir]),
        ...['--listen-client-urls', place.clientUrl, '--advertise-client-urls', place.clientUrl],
        ...['--listen-peer-urls', place.peerUrl, '--initial-advertise-peer-urls', place.peerUrl],
        ...['--initial-cluster', places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')],
        ...['--initial-cluster-token', 'lab', '--initial-cluster-state', 'new'],
        ...['--heartbeat-interval', '50', '--election-timeout', '500'],
        ...clientTlsFlags(options),
        ...peerTlsFlags(options),
        ...(options.etcdFlags ?? []),
      ],
    },
    mesh: {
      listen: `${loopback}:${place.meshPort}`,
      peers: places
        .filter(({ name }) => name !== place.name)
        .map(({ name, meshPort }) => ({ name, url: `ws://${loopback}:${meshPort}` })),
      secretFile,
    },
    monitoring: { listen: new URL(place.monitoringUrl).host },
    restore: { tool, peerGraceSeconds: 5, gateTimeoutSeconds: 60 },
  };
}

function clientTlsFlags({ clientTls, serverTls }: LabOptions): string[] {
  if (clientTls === undefined) return [];
  const { caFile } = clientTls;
  const { certFile, keyFile } = serverTls ?? clientTls;
  return ['--client-cert-auth', '--trusted-ca-file', caFile, '--cert-file', certFile, '--key-file', keyFile];
}

function peerTlsFlags({ peerTls }: LabOptions): string[] {
  if (peerTls === undefined) return [];
  const { caFile, certFile, keyFile } = peerTls;
  return [
    ...['--peer-client-cert-auth', '--peer-trusted-ca-file', caFile],
    ...['--peer-cert-file', certFile, '--peer-key-file', keyFile],
  ];
}

function ctlFlagsOf({ clientTls, ctlFlags = [] }: Pick<LabOptions, 'clientTls' | 'ctlFlags'>): string[] {
  if (clientTls === undefined) return [...ctlFlags];
  const { caFile, certFile, keyFile } = clientTls;
  return ['--cacert', caFile, '--cert', certFile, '--key', keyFile, ...ctlFlags];
}

type AgentLaunch = Pick<LabOptions, 'env' | 'agentsOutlive' | 'clientTls' | 'ctlFlags' | 'launcher'>;

function spawnAgent(host: LabHost, { env = {}, agentsOutlive = false, launcher }: AgentLaunch) {
  const agentWords = [process.execPath, LIFEBOAT, 'agent', '--config', host.configFile];
  const [program = '', ...words] = [...(launcher?.(host) ?? []), ...agentWords];
  const agent = execa(program, words, {
    env,
    reject: false,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: { file: join(host.directory, 'agent.log'), append: true },
    // A crash of the tests must not leave agents behind.
    cleanup: !agentsOutlive,
    detached: agentsOutlive,
  });
  if (agentsOutlive) agent.unref();
  return agent;
}

/** An etcd outlives its agent's crash by design, and so does a restore tool; both name the host's directory. */
async function killLeftoversOf(host: LabHost): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const pids = await processesNaming(`${host.directory}/`);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    await sleep(20);
  }
  throw new Error(`a process of ${host.name} does not end`);
}

/** Processes whose command line holds `text`, other than this one. */
export async function processesNaming(text: string): Promise<number[]> {
  const pids: number[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    if ((await commandLineOf(pid)).some((argument) => argument.includes(text))) pids.push(pid);
  }
  return pids;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
