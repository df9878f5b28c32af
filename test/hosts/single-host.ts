import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { builtPackage } from './agent-on-host.ts';
import { openHostLab } from './host-lab.ts';
import { PATIENT, type Host, type Outcome } from './host.ts';

/** One machine with Debian's etcd as it comes, and the agent of our package beside it. */
export interface SingleHost extends AsyncDisposable {
  readonly host: Host;
}

/** One etcd of a host, and its agent. */
export interface Member {
  readonly host: Host;
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly dataDir: string;
  /** For an instance of `etcd@.service` and `lifeboat@.service`. */
  readonly instance?: string;
}

export async function openSingleHost(): Promise<SingleHost> {
  const lab = await openHostLab(1);
  try {
    const [host] = lab.hosts;
    if (host === undefined) throw new Error('the lab has no host');
    await host.install();
    await host.boot();
    const file = builtPackage();
    await copyFile(file, join(lab.packages, basename(file)));
    await host.run('systemctl', 'enable', '--now', 'etcd');
    await host.run('dpkg', '-i', `/srv/packages/${basename(file)}`);
    await writeAgentConfig(onlyMemberOf(host));
    await host.run('systemctl', 'enable', '--now', 'lifeboat');
    return { host, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** What Debian's etcd.service starts where nobody configured anything. */
export function onlyMemberOf(host: Host): Member {
  return { host, name: host.name, clientPort: 2379, peerPort: 2380, dataDir: '/var/lib/etcd/default' };
}

export async function writeAgentConfig({ host, ...member }: Member): Promise<void> {
  const { instance, peerPort, clientPort, dataDir, name } = member;
  const config = {
    agent: {
      name,
      ...(instance === undefined
        ? {}
        : {
            stateDir: `/var/lib/etcd-lifeboat-${instance}`,
            controlSocket: `/run/etcd-lifeboat-${instance}/control.sock`,
          }),
    },
    etcd: {
      memberName: name,
      peerUrls: [`http://localhost:${peerPort}`],
      dataDir,
      endpoint: `http://127.0.0.1:${clientPort}`,
    },
    supervisor: {
      kind: 'systemd',
      ...(instance === undefined ? {} : { unit: `etcd@${instance}.service` }),
    },
    mesh: { listen: `127.0.0.1:${clientPort + 5000}`, peers: [] },
    monitoring: { listen: `127.0.0.1:${clientPort + 6000}` },
  };
  const gid = Number(await host.run('id', '-g', 'etcd'));
  await host.write(`/etc/etcd-lifeboat/${instance ?? 'config'}.yaml`, stringify(config), {
    mode: 0o640,
    gid,
  });
}

/** `lifeboat -o json` on the host, to the agent of this member. */
async function ask<T>(member: Member, ...args: string[]): Promise<T> {
  return await member.host.json<T>(...socketOf(member), ...args);
}

export async function etcdctl({ host, clientPort }: Member, ...args: string[]): Promise<string> {
  return await host.run('etcdctl', `--endpoints=http://127.0.0.1:${clientPort}`, ...args);
}

/** Writes, saves, writes again, and plans to go back. */
export async function planToGoBack(member: Member): Promise<RestorePlan> {
  await expect.poll(() => answers(member), PATIENT).toBe(true);
  await etcdctl(member, 'put', 'key', 'saved');
  await ask(member, 'snapshot', 'save');
  await etcdctl(member, 'put', 'key', 'written later');
  return await ask<RestorePlan>(member, 'restore', 'plan', '--discard-current');
}

/** `lifeboat restore run`, to its end, whatever that is. */
export async function restore(member: Member, { hash }: RestorePlan): Promise<Outcome> {
  return await member.host.lifeboat(...socketOf(member), 'restore', 'run', '--confirm', hash);
}

/** The whole story: the member has what was saved, and all that lies there is etcd's. */
export async function expectGoesBack(member: Member, owner = 'etcd'): Promise<void> {
  const { host, dataDir } = member;
  const outcome = await restore(member, await planToGoBack(member));
  expect(outcome).toMatchObject({ exitCode: 0 });
  expect(await etcdctl(member, 'get', 'key', '--print-value-only')).toBe('saved');
  expect(await host.run('find', dataDir, '!', '-user', owner)).toBe('');
}

async function answers(member: Member): Promise<boolean> {
  return await etcdctl(member, 'endpoint', 'health').then(
    () => true,
    () => false,
  );
}

function socketOf({ instance }: Member): string[] {
  return instance === undefined ? [] : ['--socket', `/run/etcd-lifeboat-${instance}/control.sock`];
}
