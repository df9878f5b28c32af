import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHostLab, type HostLab } from '../hosts/host-lab.ts';
import { PATIENT, type Host } from '../hosts/host.ts';
import { onlyMemberOf, writeAgentConfig } from '../hosts/single-host.ts';
import { inBrackets, whyNoHosts } from '../hosts/why-no-hosts.ts';
import { deb, tarball, treeName } from './package-files.ts';

const reason = whyNoHosts();
const UNPACKED = `/opt/${treeName('x64')}/bin/lifeboat`;
const HOLD = '/var/lib/etcd-lifeboat/hold';
const INSTALL_DEB = `dpkg -i /srv/packages/${basename(deb('amd64', ''))}`;

let lab: HostLab;
let host: Host;

/** What a shell command printed on both streams; its exit status does not matter. */
async function saidBy(command: string): Promise<string> {
  return await host.shell(`(${command}) 2>&1 || true`);
}

async function etcdPid(): Promise<string> {
  return await host.unit('etcd', 'MainPID');
}

async function agentPid(): Promise<string> {
  return await host.unit('lifeboat', 'MainPID');
}

async function removeConfig(): Promise<void> {
  await host.shell('rm -f /etc/etcd-lifeboat/config.yaml');
}

describe.skipIf(reason !== undefined)(`on a host with systemd and etcd${inBrackets(reason)}`, () => {
  beforeAll(async () => {
    lab = await openHostLab(1);
    const [first] = lab.hosts;
    if (first === undefined) throw new Error('the lab has no host');
    host = first;
    await host.install();
    await host.boot();
    for (const file of [deb(), tarball()]) await copyFile(file, join(lab.packages, basename(file)));
    await host.run('systemctl', 'enable', '--now', 'etcd');
    await host.shell('tar -xzf /srv/packages/*.tar.gz -C /opt');
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  test('the tarball enables the agent, and starts it when it has a configuration', async () => {
    expect(await host.shell(`${UNPACKED} install --yes`)).toContain(
      'The agent starts when it has a configuration',
    );
    expect(await host.unit('lifeboat', 'UnitFileState')).toBe('enabled');
    expect(await host.unit('lifeboat', 'ActiveState')).toBe('inactive');

    await writeAgentConfig(onlyMemberOf(host));
    expect(await host.shell(`${UNPACKED} install --yes`)).toContain('The agent was started.');
    expect(await host.unit('lifeboat', 'ActiveState')).toBe('active');
    expect(await host.shell('lifeboat snapshot save')).toContain('hashed');
    // The hold keeps etcd from starting: the agent sees so itself.
    expect(await saidBy('lifeboat restore plan --discard-current')).toContain('restore run --confirm');
  });

  test('the tarball restarts the agent only when something changed, and etcd never', async () => {
    const [agent, etcd] = [await agentPid(), await etcdPid()];
    expect(await host.shell('lifeboat install --yes')).toContain('the agent runs on');
    expect(await agentPid()).toBe(agent);
    await host.shell('echo "# of an older release" >> /usr/local/lib/etcd-lifeboat/lifeboat.mjs');
    expect(await host.shell(`${UNPACKED} install --yes`)).toContain('The agent was restarted.');
    expect(await agentPid()).not.toBe(agent);
    expect(await etcdPid()).toBe(etcd);
  });

  test('uninstall leaves an agent under a hold as it is, and etcd and the snapshots in any case', async () => {
    const [agent, etcd] = [await agentPid(), await etcdPid()];
    await host.shell(`echo '{}' > ${HOLD}`);
    expect(await saidBy('lifeboat uninstall --yes')).toContain(HOLD);
    expect(await agentPid()).toBe(agent);
    await host.shell(`rm ${HOLD}; lifeboat uninstall --yes`);
    expect(await host.unit('lifeboat', 'LoadState')).toBe('not-found');
    expect(await saidBy('pgrep -u etcd node')).toBe('');
    expect(await host.unit('etcd', 'ActiveState')).toBe('active');
    expect(await etcdPid()).toBe(etcd);
    expect(await host.shell('ls /var/lib/etcd-lifeboat/snapshots')).not.toBe('');
    expect(await saidBy('ls /etc/systemd/system/*/lifeboat.service')).toContain('No such file');
  });

  test('the .deb enables the agent, and starts it when it has a configuration', async () => {
    await removeConfig();
    expect(await saidBy(INSTALL_DEB)).toContain('the agent starts when it has a configuration');
    expect(await host.unit('lifeboat', 'UnitFileState')).toBe('enabled');
    expect(await host.unit('lifeboat', 'ActiveState')).toBe('inactive');
    await host.shell('dpkg --purge etcd-lifeboat && install -d -m 750 -g etcd /etc/etcd-lifeboat');
    await writeAgentConfig(onlyMemberOf(host));
    await host.shell(INSTALL_DEB);
    expect(await host.unit('lifeboat', 'ActiveState')).toBe('active');
  });

  test('an upgrade whose configuration is refused leaves the agent that runs, and says so', async () => {
    const agent = await agentPid();
    await host.shell('echo "unknown: key" >> /etc/etcd-lifeboat/config.yaml');
    expect(await saidBy(INSTALL_DEB)).toMatch(
      /config\.yaml:\d+:\d+ unknown: unknown key[^]*agent of the former release goes on/,
    );
    expect(await agentPid()).toBe(agent);
    await writeAgentConfig(onlyMemberOf(host));
    await host.shell(INSTALL_DEB);
    await expect.poll(agentPid, PATIENT).not.toBe(agent);
  });

  test('the .deb is not removed under a hold; without one etcd and the snapshots stay', async () => {
    const [agent, etcd] = [await agentPid(), await etcdPid()];
    await host.shell(`echo '{}' > ${HOLD}`);
    expect(await saidBy('dpkg --remove etcd-lifeboat')).toContain(`${HOLD}: {}`);
    expect(await agentPid()).toBe(agent);
    expect(await host.unit('lifeboat', 'ActiveState')).toBe('active');
    await host.shell(`rm ${HOLD}; dpkg --remove etcd-lifeboat`);
    expect(await host.unit('lifeboat', 'LoadState')).toBe('not-found');
    expect(await host.unit('etcd', 'ActiveState')).toBe('active');
    expect(await etcdPid()).toBe(etcd);
    expect(await host.shell('ls /var/lib/etcd-lifeboat/snapshots')).not.toBe('');
  });
});
