import { execa } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { CHECK_IDS } from '../../src/doctor/check.ts';
import { doctorReport, type DoctorReport } from '../../src/formats/doctor-report.ts';
import { etcdBinary, findEtcdBinary } from '../support/etcd-binaries.ts';
import { startEtcd } from '../support/etcd-process.ts';
import { freePorts } from '../support/free-port.ts';
import { LabCluster, LIFEBOAT, type LabHost } from '../support/lab-cluster.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { openHealthyScene, PATIENT, save } from './restore-scene.ts';

async function examine(lab: LabCluster, host: LabHost, ...more: string[]) {
  const config = ['--config', host.configFile];
  const { exitCode, stdout, stderr } = await lab.cli(host, '-o', 'json', 'doctor', ...config, ...more);
  return { exitCode, stderr, report: doctorReport.parse(JSON.parse(stdout)) };
}

/** `id` or `id of subject`, of every check with this status on a host. */
function withStatus(report: DoctorReport, status: string, agent?: string): string[] {
  return report.hosts
    .filter((host) => agent === undefined || host.agent === agent)
    .flatMap(({ checks }) => checks)
    .filter((check) => check.status === status)
    .map(({ id, subject }) => (id.startsWith('mesh.') && subject !== undefined ? `${id} of ${subject}` : id));
}

test('the doctor finds nothing on healthy hosts, and what is wrong on others', async () => {
  await using scene = await openHealthyScene({
    hosts: 3,
    configure: (config) => ({ ...config, snapshots: { schedule: { cron: '0 0 1 1 *' } } }),
  });
  const { lab } = scene;
  const [h1, h2, h3] = [lab.host(0), lab.host(1), lab.host(2)];
  for (const host of lab.hosts) await save(scene, host);

  const all = await examine(lab, h1, '--all');
  expect(all.report.hosts.map(({ agent, by }) => `${agent} ${by}`)).toEqual([
    'h1 agent',
    'h2 agent',
    'h3 agent',
  ]);
  expect([...withStatus(all.report, 'fail'), ...withStatus(all.report, 'warn')]).toEqual([]);
  expect(all).toMatchObject({ exitCode: 0, report: { status: 'ok' } });
  expect(withStatus(all.report, 'ok', 'h1')).toEqual(
    expect.arrayContaining(['mesh.peer of h2', 'mesh.clock of h2', 'mesh.clock of h3', 'etcd.settings']),
  );
  for (const { checks } of all.report.hosts) {
    expect([...new Set(checks.map(({ id }) => id))]).toEqual(CHECK_IDS);
  }
  const text = await lab.cli(h1, 'doctor', '--config', h1.configFile);
  expect(text.exitCode).toBe(0);
  expect(text.stdout).toMatch(/^h1 {2}release .*, looked at by its agent, as /);
  expect(text.stdout).toMatch(/^ok +etcd\.settings +memberName, .* are those of process \d+$/m);
  expect(text.stdout.trimEnd()).toMatch(/ 0 warn, 0 fail, \d+ skipped$/);

  // An agent that is down, a member that lost its process, a configuration that was edited into nonsense.
  await lab.stopAgent(h3, 'SIGKILL');
  await writeFile(h2.configFile, `${await readFile(h2.configFile, 'utf8')}\nnonsense: true\n`);
  await expect
    .poll(async () => withStatus((await examine(lab, h1)).report, 'fail'), PATIENT)
    .toEqual(['mesh.peer of h3']);
  const lost = await examine(lab, h1, '--all');
  expect(lost).toMatchObject({ exitCode: 1, report: { status: 'fail' } });
  expect(lost.report.hosts[2]).toMatchObject({
    agent: 'h3',
    by: 'nobody',
    checks: [{ id: 'agent.running', status: 'fail' }],
  });
  expect(withStatus(lost.report, 'fail', 'h2')).toEqual(
    expect.arrayContaining(['agent.config', 'mesh.peer of h3']),
  );

  // Nobody answers on h3: the command looks by itself, and starts nothing.
  const here = await examine(lab, h3);
  expect(here).toMatchObject({ exitCode: 1, report: { hosts: [{ agent: 'h3', by: 'command' }] } });
  expect(withStatus(here.report, 'fail')).toEqual(['agent.running']);
  expect(withStatus(here.report, 'ok')).toEqual(
    expect.arrayContaining([
      'agent.config',
      'agent.state',
      'etcd.settings',
      'etcd.member',
      'snapshots.fresh',
    ]),
  );

  await writeFile(h3.configFile, 'agent: {name: h3}\n');
  const lostConfig = await examine(lab, h3);
  expect(withStatus(lostConfig.report, 'fail')).toEqual(['agent.running', 'agent.config']);
});

test('an agent that runs what `config init` made of an etcd serves the same cluster, and is well', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const configFile = join(directory.path, 'c.yaml');
  const init = [
    'config',
    'init',
    '--pid',
    String(etcd.pid),
    '--supervisor',
    'process',
    '--write',
    configFile,
  ];
  const made = await execa(process.execPath, [LIFEBOAT, ...init], { reject: false });
  expect(made).toMatchObject({ exitCode: 0 });
  expect(made.stderr).toContain(`stop process ${etcd.pid} before the agent starts`);
  await etcd.ctl('put', 'written', 'before');
  await etcd.stop();

  // Only where things are is changed, as many tests share this machine.
  const [mesh = 0, monitoring = 0] = await freePorts(2);
  const socket = join(directory.path, 'control.sock');
  const config = parse(await readFile(configFile, 'utf8')) as Record<string, Record<string, unknown>>;
  config['agent'] = { ...config['agent'], stateDir: join(directory.path, 'state'), controlSocket: socket };
  config['mesh'] = { ...config['mesh'], listen: `127.0.0.1:${mesh}` };
  config['monitoring'] = { listen: `127.0.0.1:${monitoring}` };
  // The etcd under test need not be the one on PATH.
  config['restore'] = { tool: findEtcdBinary('etcdutl') ?? etcdBinary('etcdctl') };
  await writeFile(configFile, stringify(config), { mode: 0o600 });

  const host: LabHost = {
    ...{ name: 'only', directory: directory.path, configFile, socket },
    ...{ dataDir: etcd.dataDir, clientUrl: etcd.endpoint, peerUrl: etcd.peerUrl, monitoringUrl: '' },
  };
  await using lab = new LabCluster([host]);
  await lab.startAgent(host);
  await lab.untilHealthy();
  // The agent looks at its member now and then: it may not have seen yet that it serves.
  await expect
    .poll(async () => (await lab.ask(host, 'status', {})).etcd, PATIENT)
    .toMatchObject({ process: 'running', hasQuorum: true, dataDir: etcd.dataDir });
  expect(await etcd.ctl('get', 'written', '--print-value-only')).toBe('before');
  expect((await lab.cli(host, 'snapshot', 'save')).exitCode).toBe(0);
  const { exitCode, report } = await examine(lab, host);
  expect({ exitCode, failed: withStatus(report, 'fail') }).toEqual({ exitCode: 0, failed: [] });
});
