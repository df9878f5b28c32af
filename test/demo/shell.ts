import { execa } from 'execa';
import { etcdBinary } from '../support/etcd-binaries.ts';
import { LIFEBOAT, type LabHost } from '../support/lab-cluster.ts';
import { MARK } from './marked-processes.ts';
import type { Narrator } from './narrator.ts';

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order in which they came. */
  readonly all: string;
}

interface Showing {
  /** So many lines of what it prints, and not all. */
  readonly most?: number;
}

interface Invocation {
  readonly file: string;
  readonly args: readonly string[];
  readonly typed: string;
}

/** Types commands in the demo's directory, and shows them with what they print. */
export class Shell {
  readonly #directory: string;
  readonly #narrator: Narrator;

  constructor(directory: string, narrator: Narrator) {
    this.#directory = directory;
    this.#narrator = narrator;
  }

  /** `lifeboat ARGS` for the agent of one host. Any exit status is a result. */
  async lifeboat(host: LabHost, args: readonly string[], showing: Showing = {}): Promise<Ran> {
    return await this.#show(lifeboatOf(host, args), showing);
  }

  /** The same without a word about it. */
  async lifeboatJson(host: LabHost, args: readonly string[]): Promise<unknown> {
    const { exitCode, stdout, stderr } = await this.#run(lifeboatOf(host, ['-o', 'json', ...args]));
    if (exitCode !== 0)
      throw new Error(`lifeboat ${args.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`);
    return JSON.parse(stdout);
  }

  /** Lets a command speak for itself on this terminal; gives its exit status. */
  async lifeboatLive(host: LabHost, args: readonly string[]): Promise<number> {
    const { file, args: words, typed } = lifeboatOf(host, args);
    this.#narrator.command(typed);
    const { exitCode } = await execa(file, words, {
      ...this.#options(),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    return exitCode ?? -1;
  }

  /** `etcdctl --endpoints HOST ARGS`. Any exit status is a result. */
  async etcdctl(host: LabHost, args: readonly string[], showing: Showing = {}): Promise<Ran> {
    return await this.#show(etcdctlOf(host, args), showing);
  }

  /** What `etcdctl` prints, without a word about it. */
  async etcdctlQuietly(host: LabHost, args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#run(etcdctlOf(host, args));
    if (exitCode !== 0) throw new Error(`etcdctl ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    return stdout;
  }

  async #show(invocation: Invocation, { most }: Showing): Promise<Ran> {
    this.#narrator.command(invocation.typed);
    const ran = await this.#run(invocation);
    this.#narrator.output(ran.all, most);
    return ran;
  }

  async #run({ file, args }: Invocation): Promise<Ran> {
    const options = { ...this.#options(), stdin: 'ignore', all: true } as const;
    const { exitCode, stdout, stderr, all } = await execa(file, args, options);
    return { exitCode: exitCode ?? -1, stdout, stderr, all };
  }

  #options() {
    return { cwd: this.#directory, env: { [MARK]: this.#directory }, reject: false } as const;
  }
}

function lifeboatOf(host: LabHost, words: readonly string[]): Invocation {
  const args = ['--socket', `${host.name}/control.sock`, ...words];
  return { file: process.execPath, args: [LIFEBOAT, ...args], typed: ['lifeboat', ...args].join(' ') };
}

function etcdctlOf(host: LabHost, words: readonly string[]): Invocation {
  const args = ['--endpoints', new URL(host.clientUrl).host, ...words];
  return { file: etcdBinary('etcdctl'), args, typed: ['etcdctl', ...args].join(' ') };
}
