import { execa } from 'execa';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LabCluster, startLab, type LabHost, type LabOptions } from '../support/lab-cluster.ts';
import { etcdThatMayFail, flags } from '../cluster/obstacles.ts';
import { freePorts } from '../support/free-port.ts';
import { contentsAt, putKeys } from './cluster-keys.ts';
import { Relay } from './relay.ts';
import { until } from './until.ts';

/**
 * `lost`: h1 serves without quorum, the etcd of h2 has its data and does not start, the data of h3 is gone.
 * `serving`: a cluster that works, and is restored all the same.
 */
export type SceneKind = 'lost' | 'serving';

/** What was in the cluster: at the snapshot, and when it was lost. `key value`, in order. */
export interface Contents {
  readonly snapshot: readonly string[];
  readonly last: readonly string[];
  readonly clusterId: string;
}

export interface LaneScene extends AsyncDisposable {
  readonly lab: LabCluster;
  readonly hosts: readonly [LabHost, LabHost, LabHost];
  readonly contents: Contents;
  /** Words before the command line of an agent that is started from now on. */
  readonly launchers: Map<string, readonly string[]>;
}

type Config = Record<string, Record<string, unknown>>;

interface LaneOptions {
  readonly kind: SceneKind;
  /** Whether the restore boots the snapshot first. Otherwise that was done before. */
  readonly isRehearsed: boolean;
  readonly configure?: LabOptions['configure'];
  readonly takeoverAfterSeconds?: number;
  /** The agents of h1 and h2 reach one another through relays of this process. */
  readonly isRelayed?: boolean;
}

/** One cluster that is made once, and set back to what it was then for each run: one run after the other. */
export class KillLane {
  readonly #directory: string;
  readonly #kind: SceneKind;
  readonly #isRehearsed: boolean;
  readonly #takeoverAfterSeconds: number;
  readonly #configure: LabOptions['configure'];
  readonly #launchers = new Map<string, readonly string[]>();
  readonly #isRelayed: boolean;
  readonly #relays: Relay[] = [];
  #hosts: readonly LabHost[] = [];
  #contents: Contents = { snapshot: [], last: [], clusterId: '' };

  constructor(directory: string, options: LaneOptions) {
    const { kind, isRehearsed, configure, isRelayed = false, takeoverAfterSeconds = 0 } = options;
    this.#takeoverAfterSeconds = takeoverAfterSeconds;
    this.#isRelayed = isRelayed;
    this.#directory = directory;
    this.#kind = kind;
    this.#isRehearsed = isRehearsed;
    this.#configure = configure;
  }

  /** Makes the cluster. What was below the directory is gone. */
  async prepare(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
    await mkdir(this.#directory, { recursive: true });
    const ports = this.#isRelayed ? await freePorts(2) : [];
    const lab = await startLab({
      hosts: 3,
      directory: this.#live,
      etcdProgram: etcdThatMayFail,
      overrides: () => ({
        etcd: { requestTimeoutSeconds: 2 },
        restore: {
          peerGraceSeconds: 3,
          gateTimeoutSeconds: 30,
          takeoverAfterSeconds: this.#takeoverAfterSeconds,
        },
      }),
      configure: (config, host) => this.#relayed(this.#configure?.(config, host) ?? config, host, ports),
    });
    this.#hosts = lab.hosts;
    await using _lab = lab;
    this.#contents = await this.#fill(lab);
    await lab[Symbol.asyncDispose]();
    const [, h2, h3] = threeOf(lab);
    if (this.#kind === 'lost') {
      await flags.refusesOldData(h2).set();
      await rm(join(h3.dataDir, 'member'), { recursive: true });
    }
    await execa('cp', ['-a', '--sparse=always', this.#live, this.#template]);
  }

  /** The cluster as it was made, with agents that run. */
  async open(
    launchers: ReadonlyMap<string, readonly string[]> = new Map(),
    beforeStart: (hosts: readonly LabHost[]) => Promise<void> = () => Promise.resolve(),
  ): Promise<LaneScene> {
    await rm(this.#live, { recursive: true, force: true });
    await execa('cp', ['-a', '--sparse=always', this.#template, this.#live]);
    await beforeStart(this.#hosts);
    this.#launchers.clear();
    for (const [name, words] of launchers) this.#launchers.set(name, words);
    const lab = new LabCluster(this.#hosts, { launcher: ({ name }) => this.#launchers.get(name) ?? [] });
    try {
      await Promise.all(this.#hosts.map((host) => lab.startAgent(host)));
      await this.#untilAsItWas(lab);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return {
      lab,
      hosts: threeOf(lab),
      contents: this.#contents,
      launchers: this.#launchers,
      [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
    };
  }

  get hosts(): readonly LabHost[] {
    return this.#hosts;
  }

  /** Between h1 and h2, both ways, where the lane was made with them. */
  get relays(): readonly Relay[] {
    return this.#relays;
  }

  get directory(): string {
    return this.#directory;
  }

  get #live(): string {
    return join(this.#directory, 'live');
  }

  get #template(): string {
    return join(this.#directory, 'template');
  }

  /** Whoever of the two dials, it is through the relay. */
  #relayed(config: Config, { name }: LabHost, ports: readonly number[]): Config {
    const other = name === 'h1' ? 'h2' : 'h1';
    const port = ports[this.#relays.length];
    const peers = config['mesh']?.['peers'] as { readonly name: string; readonly url: string }[];
    const peer = peers.find((each) => each.name === other);
    if (port === undefined || name === 'h3' || peer === undefined) return config;
    const relay = new Relay(Number(new URL(peer.url).port));
    this.#relays.push(relay);
    relay.listen(port);
    const through = peers.map((each) => (each === peer ? { ...peer, url: `ws://127.0.0.1:${port}` } : each));
    return { ...config, mesh: { ...config['mesh'], peers: through } };
  }

  async #fill(lab: LabCluster): Promise<Contents> {
    await lab.untilHealthy();
    const [h1] = threeOf(lab);
    await putKeys(h1, 300, 'key-');
    await until('every agent knows its cluster', async () => {
      const all = await Promise.all(lab.hosts.map((host) => lab.ask(host, 'status', {})));
      return all.every(({ etcd }) => etcd.clusterId !== undefined);
    });
    await lab.json(h1, 'snapshot', 'save');
    if (!this.#isRehearsed) await lab.json(h1, 'drill', 'run');
    const snapshot = await contentsAt(h1);
    await putKeys(h1, 40, 'later-');
    const last = await contentsAt(h1);
    for (const host of lab.hosts) {
      await until('every member has all keys', async () => (await contentsAt(host)).length === last.length);
    }
    const { clusterId = '' } = (await lab.ask(h1, 'status', {})).etcd;
    return { snapshot, last, clusterId };
  }

  async #untilAsItWas(lab: LabCluster): Promise<void> {
    const [h1] = threeOf(lab);
    if (this.#kind === 'serving') {
      await lab.untilHealthy();
      return;
    }
    await until('h1 serves without quorum', async () => {
      const { etcd } = await lab.ask(h1, 'status', {});
      return etcd.process === 'running' && !etcd.hasQuorum;
    });
  }
}

function threeOf({ hosts }: Pick<LabCluster, 'hosts'>): readonly [LabHost, LabHost, LabHost] {
  const [h1, h2, h3] = hosts;
  if (h1 === undefined || h2 === undefined || h3 === undefined) throw new Error('the lab has three hosts');
  return [h1, h2, h3];
}
