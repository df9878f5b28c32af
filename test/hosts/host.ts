import { execa } from 'execa';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { callAgent } from '../../src/cli/control-client.ts';
import type { ControlMethod, ControlParams, ControlResult } from '../../src/formats/control.ts';
import { until } from '../demo/until.ts';
import type { LabPlace } from './host-lab.ts';

/** On a machine that does other things too. */
export const PATIENT = { timeout: 60_000, interval: 50 };
const ASK_TIMEOUT_MS = 60_000;
/** nspawn's word for "boot me again". */
const REBOOT_REQUESTED = 133;
/** What root of this machine could do inside a host and no host may: the clock is the machine's. */
const WITHOUT_CLOCK = ['--bounding-set=-sys_time,-sys_module,-sys_rawio', '--'];
const ENVIRONMENT = [
  'env',
  '-i',
  'HOME=/root',
  'LANG=C.UTF-8',
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
];

export interface HostIdentity {
  readonly script: string;
  readonly name: string;
  readonly address: string;
}

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One machine of a lab. */
export class Host {
  readonly name: string;
  readonly address: string;
  readonly #place: LabPlace;
  readonly #script: string;
  #machine: Promise<Outcome> | undefined;
  #firstPid = 0;

  constructor(place: LabPlace, { script, name, address }: HostIdentity) {
    this.#place = place;
    this.#script = script;
    this.name = name;
    this.address = address;
  }

  /** Its name on the network, and its agent's. */
  get fqdn(): string {
    return `${this.name}.example.org`;
  }

  /** Gives the machine, which is off, a fresh disk. */
  async install(): Promise<void> {
    await this.#lab('install', this.name, this.address);
  }

  /** Switches the machine on and waits for its systemd. A machine that asks for a reboot gets it. */
  async boot(): Promise<void> {
    const machine = this.#runMachine();
    this.#machine = machine;
    const ended = await Promise.race([machine, this.untilBooted(0)]);
    if (ended !== undefined) throw new Error(`${this.name} did not boot: ${ended.stdout}${ended.stderr}`);
  }

  async #runMachine(): Promise<Outcome> {
    for (;;) {
      const ended = await this.#lab('boot', this.name);
      if (ended.exitCode !== REBOOT_REQUESTED) return ended;
    }
  }

  /** Waits until systemd, in another life than the one whose first process was `before`, has nothing left to start. */
  async untilBooted(before: number): Promise<void> {
    await until(`the boot of ${this.name}`, async () => {
      const pid = await this.#readFirstPid();
      if (pid === 0 || pid === before) return undefined;
      this.#firstPid = pid;
      const { stdout } = await this.try('systemctl', 'is-system-running');
      return stdout === 'running' || stdout === 'degraded' ? pid : undefined;
    });
  }

  /** No goodbye: the first process of the machine is killed, and everything with it. */
  async powerCut(): Promise<void> {
    process.kill(this.#firstPid, 'SIGKILL');
    await this.#machine;
  }

  /** Resolves when the machine, which something else ended, is off. */
  async off(): Promise<void> {
    await this.#machine;
  }

  /** `systemctl reboot`, until it is up again. */
  async reboot(): Promise<void> {
    const before = this.#firstPid;
    await this.try('systemctl', 'reboot', '--no-block');
    await this.untilBooted(before);
  }

  /** Runs a program on the host as root, with nothing of our environment. Any exit status is an outcome. */
  async try(...command: string[]): Promise<Outcome> {
    const enter = ['nsenter', '-t', String(this.#firstPid), '-m', '-u', '-i', '-n', '-p', '-C', '--'];
    const result = await execa('setpriv', [...WITHOUT_CLOCK, ...enter, ...ENVIRONMENT, ...command], {
      reject: false,
      stdin: 'ignore',
    });
    return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
  }

  /** `try` for what must succeed: its output. */
  async run(...command: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.try(...command);
    if (exitCode === 0) return stdout;
    throw new Error(`${this.name}: ${command.join(' ')} ended with ${exitCode}: ${stdout}\n${stderr}`);
  }

  /** A line or more of shell, which ends at the first failure. */
  async shell(script: string): Promise<string> {
    return await this.run('bash', '-euo', 'pipefail', '-c', script);
  }

  /** Removes a directory from the disk of the machine, which is off. */
  async wipe(path: string): Promise<void> {
    const { pid, scratch } = this.#place;
    await rm(join('/proc', String(pid), 'root', scratch, 'machines', this.name, 'root', path), {
      recursive: true,
    });
  }

  /** A path of the host as this machine can open it. */
  path(path: string): string {
    return join('/proc', String(this.#firstPid), 'root', path);
  }

  async write(path: string, text: string | Buffer, { mode = 0o644, gid = 0 } = {}): Promise<void> {
    await mkdir(dirname(this.path(path)), { recursive: true });
    await writeFile(this.path(path), text, { mode });
    await chown(this.path(path), 0, gid);
  }

  /** `lifeboat ARGS` as an operator on the host types it. */
  async lifeboat(...args: string[]): Promise<Outcome> {
    return await this.try('lifeboat', ...args);
  }

  /** `lifeboat -o json ARGS`, which must succeed: its last line. */
  async json<T>(...args: string[]): Promise<T> {
    const { exitCode, stdout, stderr } = await this.lifeboat('-o', 'json', ...args);
    if (exitCode !== 0)
      throw new Error(`${this.name}: lifeboat ${args.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
  }

  /** Asks the host's agent on its control socket without a process in between: for looks that are repeated. */
  async ask<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>> {
    const socketPath = this.path('/run/etcd-lifeboat/control.sock');
    return await callAgent({ socketPath, method, params, signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  }

  /** One property of a unit, as `systemctl show` tells it. */
  async unit(name: string, property: string): Promise<string> {
    return await this.run('systemctl', 'show', '--value', `--property=${property}`, name);
  }

  /** What agent, etcd and systemd wrote, over all boots. */
  async journal(): Promise<string> {
    const units = ['--unit=lifeboat', '--unit=etcd'];
    const { stdout, stderr } = await this.try(
      'journalctl',
      ...units,
      '--no-pager',
      '--lines=300',
      '--output=short-precise',
    );
    return `${stdout}${stderr}`;
  }

  async #readFirstPid(): Promise<number> {
    for (const tree of ['/sys/fs/cgroup/unified', '/sys/fs/cgroup']) {
      const path = join(tree, this.#place.cgroup, this.name, 'payload/init.scope/cgroup.procs');
      const pid = Number((await readFile(path, 'utf8').catch(() => '')).split('\n')[0]);
      if (pid > 0) return pid;
    }
    return 0;
  }

  async #lab(...command: string[]): Promise<Outcome> {
    const { pid, scratch } = this.#place;
    const enter = ['nsenter', '-t', String(pid), '-m', '-n', '-p', '--', 'bash', this.#script, ...command];
    const result = await execa('setpriv', [...WITHOUT_CLOCK, ...enter], {
      env: { SCRATCH: scratch },
      reject: false,
      stdin: 'ignore',
    });
    if (result.failed && command[0] === 'install') throw new Error(`the lab failed: ${result.stderr}`);
    return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
  }
}
