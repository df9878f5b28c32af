import { execa } from 'execa';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdBinary, findEtcdBinary } from '../support/etcd-binaries.ts';
import { freePorts } from '../support/free-port.ts';
import { LARGE_DATABASE_FLAGS } from './fill-database.ts';

interface HandMember {
  readonly name: string;
  readonly directory: string;
  readonly dataDir: string;
  readonly snapshot: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
}

/** Three members without agents, restored as etcd's documentation tells a person to do it. */
export class HandCluster implements AsyncDisposable {
  readonly #members: readonly HandMember[];
  #running: ReturnType<typeof spawnEtcd>[] = [];
  #restores = 0;

  constructor(members: readonly HandMember[]) {
    this.#members = members;
  }

  get clientUrls(): string[] {
    return this.#members.map(({ clientUrl }) => clientUrl);
  }

  /** The first host holds the snapshot, as the first host of the other side does. */
  async provide(snapshot: string): Promise<void> {
    for (const { directory } of this.#members) await mkdir(directory, { recursive: true });
    const [first] = this.#members;
    if (first !== undefined) await copyFile(snapshot, first.snapshot);
  }

  start(): void {
    this.#running = this.#members.map((member) =>
      spawnEtcd(this.#flagsOf(member), join(member.directory, 'etcd.log')),
    );
  }

  /** One after the other: all at once, the leader waits 5 s for a successor that stops too. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    for (const etcd of this.#running) {
      etcd.kill(signal);
      await etcd;
    }
    this.#running = [];
  }

  /** Copies the file from the first host to the others, as `scp` would, and restores on all of them at once. */
  async restore(): Promise<void> {
    const [first, ...others] = this.#members;
    await Promise.all(others.map(({ snapshot }) => execa('cp', [first?.snapshot ?? '', snapshot])));
    this.#restores += 1;
    await Promise.all(this.#members.map((member) => this.#restoreMember(member)));
  }

  /** What a restore left beside the new data, before the next one. */
  async tidy(): Promise<void> {
    const [, ...others] = this.#members;
    for (const { snapshot } of others) await rm(snapshot, { force: true });
    for (const { dataDir } of this.#members) {
      await rm(`${dataDir}.before`, { recursive: true, force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
  }

  async #restoreMember(member: HandMember): Promise<void> {
    await rename(member.dataDir, `${member.dataDir}.before`).catch(() => undefined);
    const tool = findEtcdBinary('etcdutl') ?? etcdBinary('etcdctl');
    await execa(
      tool,
      [
        ...['snapshot', 'restore', member.snapshot, '--data-dir', member.dataDir, '--name', member.name],
        ...['--initial-advertise-peer-urls', member.peerUrl, '--initial-cluster', this.#initialCluster()],
        ...['--initial-cluster-token', `by-hand-${this.#restores}`],
      ],
      { env: { ETCDCTL_API: '3' } },
    );
  }

  #initialCluster(): string {
    return this.#members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  }

  /** As test/support/lab-cluster.ts runs them. */
  #flagsOf({ name, dataDir, clientUrl, peerUrl }: HandMember): string[] {
    return [
      ...['--name', name, '--data-dir', dataDir],
      ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', this.#initialCluster(), '--initial-cluster-state', 'new'],
      ...['--heartbeat-interval', '50', '--election-timeout', '500'],
      ...LARGE_DATABASE_FLAGS,
    ];
  }
}

export async function planHandCluster(directory: string, hosts: number): Promise<HandCluster> {
  const ports = await freePorts(hosts * 2);
  return new HandCluster(
    Array.from({ length: hosts }, (_, index) => {
      const name = `hand${index + 1}`;
      const own = join(directory, name);
      const [clientPort = 0, peerPort = 0] = ports.slice(index * 2);
      return {
        name,
        directory: own,
        dataDir: join(own, 'etcd'),
        snapshot: join(own, 'snapshot.db'),
        clientUrl: `http://127.0.0.1:${clientPort}`,
        peerUrl: `http://127.0.0.1:${peerPort}`,
      };
    }),
  );
}

function spawnEtcd(flags: readonly string[], logFile: string) {
  return execa(etcdBinary('etcd'), flags, {
    reject: false,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: { file: logFile, append: true },
  });
}
