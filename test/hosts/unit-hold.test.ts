import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { PATIENT, type Host } from './host.ts';
import {
  etcdctl,
  expectGoesBack,
  onlyMemberOf,
  openSingleHost,
  planToGoBack,
  restore,
  writeAgentConfig,
  type Member,
  type SingleHost,
} from './single-host.ts';
import { whyNoHosts } from './why-no-hosts.ts';

const HOLD = '/var/lib/etcd-lifeboat/hold';
const DROP_IN = '/run/systemd/system/etcd.service.d/test.conf';
const reason = whyNoHosts();
let single: SingleHost;
let host: Host;
let member: Member;

describe.skipIf(reason !== undefined)(
  `etcd under a hold, on a host with systemd${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    beforeAll(async () => {
      single = await openSingleHost();
      host = single.host;
      member = onlyMemberOf(host);
    });
    afterAll(async () => {
      await single[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      await host.shell(`rm -rf ${HOLD} ${DROP_IN} ${member.dataDir}/member.*; systemctl daemon-reload`);
      await host.shell('systemctl reset-failed etcd || true; systemctl restart etcd lifeboat');
    });
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') process.stderr.write(`${await host.journal()}\n`);
    });

    test('nobody starts it: no administrator, no upgrade of its package, no reboot; without the hold it starts', async () => {
      await host.shell(`systemctl stop etcd; echo '{}' > ${HOLD}`);
      const attempts = {
        administrator: 'systemctl start etcd',
        'restart by an administrator': 'systemctl restart etcd',
        'init script': '/etc/init.d/etcd start',
        'upgrade of the package': '/var/lib/dpkg/info/etcd-server.postinst configure 3.4.0',
        'new unit files': 'systemctl daemon-reexec && systemctl start etcd',
      };
      for (const [who, command] of Object.entries(attempts)) {
        await host.shell(`${command} || true`);
        expect(`${who}: ${await host.unit('etcd', 'ActiveState')}`).toBe(`${who}: inactive`);
      }
      expect(await host.unit('etcd', 'UnitFileState')).toBe('enabled');
      const { stdout } = await host.try('systemctl', 'status', 'etcd');
      expect(stdout).toMatch(/50-lifeboat-hold\.conf[^]*start condition failed/);
      await host.reboot();
      expect(await host.unit('etcd', 'ActiveState')).toBe('inactive');
      expect(await host.unit('etcd', 'ConditionResult')).toBe('no');
      expect(await host.run('sh', '-c', 'pidof etcd || true')).toBe('');

      await host.run('rm', HOLD);
      await host.run('systemctl', 'start', 'etcd');
      expect(await host.unit('etcd', 'ActiveState')).toBe('active');
      await host.reboot();
      expect(await host.unit('etcd', 'ActiveState')).toBe('active');
    });

    test('a power cut while the agent starts it does not lose the hold: it stays down until the agent says so', async () => {
      const plan = await planToGoBack(member);
      await host.run('systemctl', 'disable', 'lifeboat');
      await host.write(DROP_IN, '[Service]\nExecStartPre=/bin/sleep infinity\n');
      await host.run('systemctl', 'daemon-reload');
      const running = restore(member, plan);
      await expect.poll(() => host.unit('etcd', 'SubState'), PATIENT).toBe('start-pre');
      expect(await host.run('ls', '/run/etcd-lifeboat')).toContain('start-permit');
      await host.powerCut();
      await running;

      // Gone with the power: what was below /run, also the drop-in.
      await host.boot();
      expect(await host.unit('lifeboat', 'ActiveState')).toBe('inactive');
      await host.run('systemctl', 'start', 'etcd');
      expect(await host.unit('etcd', 'ActiveState')).toBe('inactive');
      expect(await host.unit('etcd', 'ConditionResult')).toBe('no');
      expect(await host.run('cat', HOLD)).toContain(plan.decided.operation);

      await host.run('systemctl', 'enable', '--now', 'lifeboat');
      await expect.poll(() => host.unit('etcd', 'ActiveState'), PATIENT).toBe('active');
      await expect.poll(() => host.run('ls', '/var/lib/etcd-lifeboat'), PATIENT).not.toMatch(/^hold/m);
      expect(await etcdctl(member, 'get', 'key', '--print-value-only')).toBe('saved');
    });

    test('after a restore its start fails, and says why, where its data is gone; a reboot does not found a cluster', async () => {
      await expectGoesBack(member);
      const log = `${member.dataDir}/member/wal`;
      await host.shell(`systemctl stop etcd; mv ${log} ${log}.away; mkdir ${log}`);
      const start = await host.try('systemctl', 'start', 'etcd');
      expect(start).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('Assertion failed on job for etcd.service') as unknown,
      });
      const { stdout } = await host.try('systemctl', 'status', 'etcd');
      expect(stdout).toMatch(/50-lifeboat-hold\.conf[^]*start assertion failed/);
      await host.reboot();
      expect(await host.unit('etcd', 'ActiveState')).toBe('inactive');
      expect(await host.run('ls', log)).toBe('');
      await host.shell(`rmdir ${log}; mv ${log}.away ${log}; systemctl start etcd`);
      expect(await etcdctl(member, 'get', 'key', '--print-value-only')).toBe('saved');
    });

    test('Restart=always does not start it when it dies', async () => {
      await withEtcdSetting('Restart=always\nRestartSec=100ms');
      await host.shell(`echo '{}' > ${HOLD}; kill -KILL $(systemctl show --value -p MainPID etcd)`);
      await expect.poll(() => host.unit('etcd', 'ActiveState'), PATIENT).toMatch(/^(inactive|failed)$/);
      expect(await host.unit('etcd', 'NRestarts')).toBe('1');
      expect(await host.unit('etcd', 'ConditionResult')).toBe('no');
    });

    test('an etcd that systemd gave up after too many starts is restored all the same', async () => {
      await host.write(DROP_IN, '[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=1h\n');
      await host.run('systemctl', 'daemon-reload');
      await host.run('lifeboat', 'snapshot', 'save');
      await host.shell('for i in 1 2 3 4 5; do systemctl restart etcd || true; done');
      expect(await host.unit('etcd', 'Result')).toBe('start-limit-hit');
      const { hash } = await host.json<RestorePlan>('restore', 'plan');
      expect(await host.lifeboat('restore', 'run', '--confirm', hash)).toMatchObject({ exitCode: 0 });
      expect(await host.unit('etcd', 'ActiveState')).toBe('active');
    });

    test.each([
      ['of Type=simple', '[Service]\nType=simple\n'],
      ['of Type=exec', '[Service]\nType=exec\n'],
      ['that is slow to stop and to start', '[Service]\nExecStartPre=/bin/sleep 1\nExecStop=/bin/sleep 1\n'],
    ])('a unit %s is restored', async (_, dropIn) => {
      await host.write(DROP_IN, dropIn);
      await host.run('systemctl', 'daemon-reload');
      await host.run('systemctl', 'restart', 'etcd');
      await expectGoesBack(member);
    });

    test('a unit of the administrator, in /etc, is restored under the same drop-in', async () => {
      const own = '/etc/systemd/system/etcd.service';
      await host.shell(`sed 's/^Description=.*/Description=ours/' /lib/systemd/system/etcd.service > ${own}`);
      await host.run('systemctl', 'daemon-reload');
      expect(await host.unit('etcd', 'FragmentPath')).toBe(own);
      await expectGoesBack(member);
      await host.shell(`rm ${own}; systemctl daemon-reload`);
    });

    test('an etcd that waits to be started again is planned as one that restarts', async () => {
      await host.run('lifeboat', 'snapshot', 'save');
      await withEtcdSetting('Restart=always\nRestartSec=1h');
      await host.shell('kill -KILL $(systemctl show --value -p MainPID etcd)');
      await expect.poll(() => host.unit('etcd', 'SubState'), PATIENT).toBe('auto-restart');
      const { decided } = await host.json<RestorePlan>('restore', 'plan');
      expect(decided.hosts).toMatchObject([{ found: 'restarting' }]);
    });

    test('of two etcds on a host each has an agent, and one is restored while the other serves', async () => {
      await host.write('/etc/systemd/system/etcd@.service', TEMPLATE);
      const [one, two] = [instanceOn(host, 'one', 12379), instanceOn(host, 'two', 22379)];
      for (const instance of [one, two]) await setUp(instance);
      const before = await host.unit('etcd@two', 'MainPID');
      await expectGoesBack(one);
      expect(await host.unit('etcd@two', 'MainPID')).toBe(before);

      await etcdctl(two, 'put', 'only', 'in two');
      expect(await etcdctl(one, 'get', 'only')).toBe('');
      await host.shell(`systemctl stop etcd@one; echo '{}' > /var/lib/etcd-lifeboat-one/hold`);
      await host.run('systemctl', 'restart', 'etcd@one', 'etcd@two');
      expect(await host.unit('etcd@one', 'ActiveState')).toBe('inactive');
      expect(await host.unit('etcd@two', 'ActiveState')).toBe('active');
    });
  },
);

const TEMPLATE = `[Service]
Type=notify
User=etcd
EnvironmentFile=/etc/default/etcd-%i
ExecStart=/usr/bin/etcd
`;

async function withEtcdSetting(settings: string): Promise<void> {
  await host.write(DROP_IN, `[Service]\n${settings}\n`);
  await host.run('systemctl', 'daemon-reload');
  await host.run('systemctl', 'restart', 'etcd');
}

function instanceOn(on: Host, instance: string, clientPort: number): Member {
  const dataDir = `/var/lib/etcd/${instance}`;
  return { host: on, name: instance, instance, clientPort, peerPort: clientPort + 1, dataDir };
}

async function setUp(instance: Member): Promise<void> {
  const { name, dataDir, clientPort, peerPort } = instance;
  const [client, peer] = [`http://127.0.0.1:${clientPort}`, `http://localhost:${peerPort}`];
  const settings = {
    NAME: name,
    DATA_DIR: dataDir,
    LISTEN_CLIENT_URLS: client,
    ADVERTISE_CLIENT_URLS: client,
    LISTEN_PEER_URLS: peer,
    INITIAL_ADVERTISE_PEER_URLS: peer,
    INITIAL_CLUSTER: `${name}=${peer}`,
  };
  const lines = Object.entries(settings).map(([key, value]) => `ETCD_${key}=${value}\n`);
  await host.write(`/etc/default/etcd-${name}`, lines.join(''));
  await writeAgentConfig(instance);
  await host.run('systemctl', 'daemon-reload');
  await host.run('systemctl', 'start', `etcd@${name}`, `lifeboat@${name}`);
}
