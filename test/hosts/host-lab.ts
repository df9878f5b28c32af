import { execa } from 'execa';
import { realpathSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Host } from './host.ts';

const SCRIPT = fileURLToPath(new URL('lab.sh', import.meta.url));
const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Where a lab lives, as this machine sees it. */
export interface LabPlace {
  /** The first process of the lab's namespaces. */
  readonly pid: number;
  /** A path that exists in the lab's mount namespace, and as an empty directory outside. */
  readonly scratch: string;
  /** The name of its group in each cgroup tree. */
  readonly cgroup: string;
}

/**
 * Machines with systemd as their first process, on one network. Disposing ends them all and removes every trace, and so does the
 * death of this process.
 */
export class HostLab implements AsyncDisposable {
  readonly hosts: readonly Host[];
  readonly place: LabPlace;
  readonly #script: ReturnType<typeof startScript>;

  constructor(script: ReturnType<typeof startScript>, place: LabPlace, count: number) {
    this.#script = script;
    this.place = place;
    this.hosts = Array.from(
      { length: count },
      (_, index) =>
        new Host(place, { script: SCRIPT, name: `host${index + 1}`, address: `10.77.0.${11 + index}` }),
    );
  }

  /** The directory whose files every host finds in /srv/packages. */
  get packages(): string {
    return join('/proc', String(this.place.pid), 'root', this.place.scratch, 'packages');
  }

  /** Resolves when every trace of the lab is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#script.stdin.end();
    await this.#script;
    await Promise.all(this.hosts.map((host) => host.off()));
  }
}

/** A lab of `count` hosts named host1, host2, …, which have no disks yet: see `Host.install`. */
export async function openHostLab(count: number, etcdDirectory?: string): Promise<HostLab> {
  const script = startScript(etcdDirectory);
  const lines = createInterface(script.stdout);
  const ready = once(lines, 'line') as Promise<[string]>;
  const first = await Promise.race([ready, script]);
  if (!Array.isArray(first)) throw new Error(`the lab did not come up: ${first.stderr}`);
  const [, pid = '', scratch = '', cgroup = ''] = first[0].split(' ');
  return new HostLab(script, { pid: Number(pid), scratch, cgroup }, count);
}

function startScript(etcdDirectory: string | undefined) {
  return execa('bash', [SCRIPT, 'run'], {
    env: {
      CHECKOUT,
      HIDDEN_PROGRAMS: programsNamedNode().join('\n'),
      ...(etcdDirectory === undefined ? {} : { ETCD_BIN: etcdDirectory }),
    },
    stdin: 'pipe',
    reject: false,
    // A signal to our group is not for it: it ends, with everything, when its standard input is closed.
    detached: true,
    cleanup: false,
  });
}

/** Every file by which Node could be found on this machine. */
function programsNamedNode(): string[] {
  const directories = (process.env['PATH'] ?? '').split(':').filter((path) => path.startsWith('/'));
  const named = directories.flatMap((directory) => [join(directory, 'node'), join(directory, 'nodejs')]);
  return [...new Set([...named, process.execPath, realpathSync(process.execPath)])];
}
