import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { examineWithoutAgent } from '../../../src/agent/examine-without-agent.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { HostReport } from '../../../src/formats/doctor-report.ts';
import { StartPermit } from '../../../src/supervisor/start-permit.ts';
import { etcdBinary } from '../../support/etcd-binaries.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { etcdCommand, installEtcd, installHold, NEVER } from '../../support/supervisor-fixtures.ts';
import { startSystemdUser, whyNoSystemdUser } from '../../support/systemd-user.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const WHY_NOT = whyNoSystemdUser();

type Sections = Record<string, Record<string, unknown>>;

async function examine(directory: string, sections: Sections): Promise<HostReport> {
  const configFile = join(directory, 'c.yaml');
  const stateDir = join(directory, 'state');
  const whole = { ...sections, agent: { name: 'h1', stateDir, ...sections['agent'] } };
  await writeFile(configFile, stringify(whole), { mode: 0o600 });
  const config = await loadConfig(configFile);
  const searchPath = join(etcdBinary('etcd'), '..');
  return await examineWithoutAgent({ config, configFile, searchPath, agentProblem: 'it is down' }, NEVER);
}

function check(report: HostReport, id: string): string {
  const found = report.checks.find((one) => one.id === id);
  return `${found?.status ?? 'none'} ${found?.found ?? ''}`;
}

test('a configuration that is not that of the etcd beside it, and a state directory that is open', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  await mkdir(join(directory.path, 'state'));
  await chmod(join(directory.path, 'state'), 0o755);
  const report = await examine(directory.path, {
    agent: { controlSocketGroup: 'no-such-group' },
    etcd: {
      memberName: 'another',
      endpoint: etcd.endpoint,
      peerUrls: ['http://10.0.0.1:2380'],
      dataDir: etcd.dataDir,
      binary: '/nonexistent/etcd',
    },
    supervisor: { kind: 'process', command: ['/bin/false'] },
    mesh: { listen: '127.0.0.1:7400' },
  });
  expect(check(report, 'agent.running')).toMatch(/^fail it is down/);
  expect(check(report, 'agent.socket')).toBe('fail there is no group no-such-group');
  expect(check(report, 'agent.state')).toMatch(/^warn .* mode 0755; others may look in/);
  expect(check(report, 'etcd.process')).toBe(`ok process ${etcd.pid} writes to the data directory`);
  expect(check(report, 'etcd.settings')).toMatch(
    /^fail .*etcd\.memberName is another, and etcd has m1; etcd\.peerUrls is http:\/\/10\.0\.0\.1:2380, and etcd has http/,
  );
  expect(check(report, 'etcd.member')).toMatch(/^fail at .* answers the member m1, not another$/);
  expect(check(report, 'etcd.binary')).toMatch(/^fail \/nonexistent\/etcd/);
  expect(check(report, 'supervisor.rights')).toMatch(/^skipped the agent itself runs etcd/);
  expect(check(report, 'snapshots.schedule')).toMatch(/^warn/);
});

describe.skipIf(WHY_NOT !== undefined)(
  `with etcd as a unit of systemd${WHY_NOT === undefined ? '' : `: ${WHY_NOT}`}`,
  () => {
    test('a hold that would not be respected is found, and so is one that is left over', async () => {
      await using manager = await startSystemdUser();
      const dataDir = join(manager.directory, 'etcd');
      const command = await etcdCommand(dataDir);
      const after = (flag: string): string => command[command.indexOf(flag) + 1] ?? '';
      await installEtcd(manager, command);
      await execa(manager.systemctl, ['start', 'etcd.service']);
      const sections = {
        etcd: {
          memberName: 'm1',
          endpoint: after('--listen-client-urls'),
          peerUrls: [after('--listen-peer-urls')],
          dataDir,
          binary: etcdBinary('etcd'),
        },
        agent: { controlSocket: join(manager.runtimeDir, 'control.sock') },
        supervisor: { kind: 'systemd', systemctl: manager.systemctl },
      };
      await mkdir(join(manager.directory, 'state'), { mode: 0o700 });
      const without = await examine(manager.directory, sections);
      expect(check(without, 'supervisor.rights')).toMatch(/^fail no ConditionPathExists=\|!/);
      expect(check(without, 'etcd.process')).toMatch(/^ok etcd\.service runs, process \d+$/);
      expect(check(without, 'etcd.settings')).toMatch(/^ok /);

      const hold = join(manager.directory, 'state', 'hold');
      await installHold(manager, join(manager.directory, 'state'));
      const sound = await examine(manager.directory, sections);
      expect(check(sound, 'supervisor.rights')).toMatch(/^ok etcd\.service can be stopped/);
      expect(check(sound, 'supervisor.hold')).toBe('ok nothing keeps etcd from starting');

      await writeFile(hold, '{"operation":"20261123T155353Z-dcacb3"}');
      await execa(manager.systemctl, ['stop', 'etcd.service']);
      const held = await examine(manager.directory, sections);
      expect(check(held, 'supervisor.hold')).toMatch(/^fail a hold of 20261123T155353Z-dcacb3 keeps/);
      expect(check(held, 'etcd.process')).toMatch(/^fail etcd\.service is stopped/);
      expect(check(held, 'etcd.member')).toMatch(
        /^skipped etcd does not run; by its log it is member [0-9a-f]{16} of cluster [0-9a-f]{16}$/,
      );

      // What an agent that died in the middle of a start left: nobody but the next one withdraws it.
      const { path: permit } = new StartPermit(manager.runtimeDir);
      await writeFile(permit, '');
      expect(check(await examine(manager.directory, sections), 'supervisor.rights')).toContain(permit);
      expect(existsSync(permit)).toBe(true);
    });
  },
);
