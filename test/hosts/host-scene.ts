import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AgentStatus } from '../../src/formats/control.ts';
import type { OperationView } from '../../src/formats/operation-view.ts';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { makeDocumentedCertificates } from './documented-certificates.ts';
import { openHostLab, type HostLab } from './host-lab.ts';
import { PATIENT, type Host } from './host.ts';
import {
  AGENT_PKI,
  agentConfig,
  ETCD_PKI,
  etcdDefaults,
  hostsFile,
  LEISURELY_ETCD,
} from './operator-files.ts';

/** At night: a test that wants a snapshot takes one. */
const DAILY = '0 3 * * *';

/** Three hosts of one cluster, and the certificates made for them. */
export interface HostScene extends AsyncDisposable {
  readonly lab: HostLab;
  readonly hosts: readonly [Host, Host, Host];
  /** Where the certificates between agents are, and those of etcd. */
  readonly pki: { readonly agents: string; readonly etcd: string };
}

/** Three machines, switched on, with etcd-server installed as Debian has it: nothing is set up on them. */
export async function openHostScene(etcdDirectory: string | undefined): Promise<HostScene> {
  const agents = await temporaryDirectory();
  const etcd = await temporaryDirectory();
  const lab = await openHostLab(3, etcdDirectory);
  const [a, b, c] = lab.hosts;
  if (a === undefined || b === undefined || c === undefined) throw new Error('the lab has too few hosts');
  const scene: HostScene = {
    lab,
    hosts: [a, b, c],
    pki: { agents: agents.path, etcd: etcd.path },
    [Symbol.asyncDispose]: async () => {
      await lab[Symbol.asyncDispose]();
      await agents[Symbol.asyncDispose]();
      await etcd[Symbol.asyncDispose]();
    },
  };
  try {
    await Promise.all([makeDocumentedCertificates(agents.path), makeDocumentedCertificates(etcd.path)]);
    await onAll(scene, async (host) => {
      await host.install();
      await host.boot();
    });
    return scene;
  } catch (error) {
    await scene[Symbol.asyncDispose]();
    throw error;
  }
}

/** The same on every host, at the same time. */
export async function onAll<T>(
  { hosts }: Pick<HostScene, 'hosts'>,
  work: (host: Host) => Promise<T>,
): Promise<T[]> {
  return await Promise.all(hosts.map(work));
}

/** What the owner of an etcd cluster has done before the agent comes: names, certificates, /etc/default/etcd. */
export async function setUpEtcd({ hosts, pki }: HostScene, host: Host): Promise<void> {
  const gid = Number(await host.run('id', '-g', 'etcd'));
  await host.write('/etc/hosts', hostsFile(hosts));
  await writePki(host, { from: pki.etcd, to: ETCD_PKI, gid });
  await host.write('/etc/default/etcd', etcdDefaults(host, hosts));
  await host.write('/etc/systemd/system/etcd.service.d/leisurely.conf', LEISURELY_ETCD);
  await host.run('systemctl', 'daemon-reload');
}

/** The agent as docs/install.md has it: certificates, configuration, unit. */
export async function setUpAgent({ hosts, pki }: HostScene, host: Host, cron = DAILY): Promise<void> {
  const gid = Number(await host.run('id', '-g', 'etcd'));
  await writePki(host, { from: pki.agents, to: AGENT_PKI, gid });
  await host.write('/etc/etcd-lifeboat/config.yaml', agentConfig(host, hosts, cron), { mode: 0o640, gid });
  await host.run('systemctl', 'enable', 'lifeboat');
  await host.run('systemctl', 'restart', 'lifeboat');
}

async function writePki(
  host: Host,
  { from, to, gid }: { from: string; to: string; gid: number },
): Promise<void> {
  await host.write(`${to}/ca.pem`, await readFile(join(from, 'ca.pem')));
  await host.write(`${to}/${host.name}.pem`, await readFile(join(from, `${host.fqdn}.pem`)));
  await host.write(`${to}/${host.name}-key.pem`, await readFile(join(from, `${host.fqdn}-key.pem`)), {
    mode: 0o640,
    gid,
  });
}

/** `etcdctl` on the host, asking the member there. */
export async function etcdctl(host: Host, ...args: string[]): Promise<string> {
  const tls = [
    '--cacert',
    `${ETCD_PKI}/ca.pem`,
    '--cert',
    `${ETCD_PKI}/${host.name}.pem`,
    '--key',
    `${ETCD_PKI}/${host.name}-key.pem`,
  ];
  return await host.run('etcdctl', `--endpoints=https://${host.fqdn}:2379`, ...tls, ...args);
}

/** Every key with its value and mod revision, as this member has them itself. */
export async function contentsOf(host: Host): Promise<string[]> {
  const answer = JSON.parse(
    await etcdctl(host, 'get', '', '--prefix', '--consistency', 's', '-w', 'json'),
  ) as {
    kvs?: { key: string; value?: string; mod_revision: number }[];
  };
  return (answer.kvs ?? []).map(({ key, value, mod_revision: at }) => `${key} ${value ?? ''} ${at}`);
}

export async function statusOf(host: Host): Promise<AgentStatus> {
  return await host.ask('status', {});
}

/** Waits until every agent has links to all others and its member answers a linearizable read. */
export async function expectClusterComplete(scene: HostScene): Promise<void> {
  for (const host of scene.hosts) {
    await expect
      .poll(async () => {
        const { etcd, peers } = await statusOf(host).catch(() => NO_STATUS);
        return { quorum: etcd.hasQuorum, links: peers.filter(({ state }) => state === 'connected').length };
      }, PATIENT)
      .toEqual({ quorum: true, links: 2 });
  }
}

const NO_STATUS = { etcd: { hasQuorum: false }, peers: [] };

export async function planOn(host: Host, ...flags: string[]): Promise<RestorePlan> {
  return await host.json<RestorePlan>('restore', 'plan', ...flags);
}

/** Starts a restore that nobody follows. */
export function runUnwatched(host: Host, { hash }: RestorePlan): void {
  host.ask('restore.run', { planHash: hash, requestedBy: 'test' }).catch(() => undefined);
}

async function viewAt(host: Host, { decided }: RestorePlan): Promise<OperationView | undefined> {
  const { operations } = await host.ask('restore.status', {});
  return operations.find(({ operation }) => operation === decided.operation);
}

/** Waits until this agent says that the operation is in that phase. */
async function expectPhase(host: Host, plan: RestorePlan, phase: string): Promise<void> {
  await expect
    .poll(async () => (await viewAt(host, plan).catch(() => undefined))?.phase, PATIENT)
    .toBe(phase);
}

/** Waits until a property of a unit has this value. */
export async function untilUnit(host: Host, unit: string, property: string, value: string): Promise<void> {
  await expect.poll(() => host.unit(unit, property), PATIENT).toBe(value);
}

export async function clusterIdAt(host: Host): Promise<string | undefined> {
  return (await statusOf(host)).etcd.clusterId;
}

/** The operation ended on all hosts in the same one of these phases, and each has what that phase means. */
export async function expectEnded(
  scene: HostScene,
  plan: RestorePlan,
  contentsByPhase: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const [host1] = scene.hosts;
  await expect
    .poll(async () => (await viewAt(host1, plan).catch(() => undefined))?.endedAt, PATIENT)
    .toEqual(expect.any(String));
  const phase = (await viewAt(host1, plan))?.phase ?? 'unknown';
  expect(Object.keys(contentsByPhase)).toContain(phase);
  for (const host of scene.hosts) await expectPhase(host, plan, phase);
  await expectClusterComplete(scene);
  for (const host of scene.hosts) {
    expect(await contentsOf(host)).toEqual(contentsByPhase[phase]);
    expect((await statusOf(host)).etcd.heldBy).toBeUndefined();
    expect(await host.unit('etcd', 'ActiveState')).toBe('active');
  }
}

/** The operation is finished on every host: one new cluster with these contents, no hold, etcd under systemd. */
export async function expectRestored(
  scene: HostScene,
  plan: RestorePlan,
  expected: { contents: readonly string[]; oldClusterId: string | undefined },
): Promise<void> {
  for (const host of scene.hosts) await expectPhase(host, plan, 'finished');
  await expectClusterComplete(scene);
  const states = await onAll(scene, statusOf);
  const ids = new Set(states.map(({ etcd }) => etcd.clusterId));
  expect(ids.size).toBe(1);
  expect(ids).not.toContain(expected.oldClusterId);
  for (const [index, host] of scene.hosts.entries()) {
    expect(states[index]?.etcd.heldBy).toBeUndefined();
    expect(await host.unit('etcd', 'ActiveState')).toBe('active');
    expect(await contentsOf(host)).toEqual(expected.contents);
  }
}
